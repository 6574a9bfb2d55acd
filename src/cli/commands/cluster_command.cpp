#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <system_error>

#include "cli/commands/commands.h"
#include "cli/options/cluster_member.h"
#include "cli/options/config_file.h"
#include "cli/process/spawned_process.h"
#include "cli/process/stop_signal.h"
#include "genkidama/core/atomic_file.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/net/token.h"
#include "run/directory/run_directory.h"
#include "run/directory/run_lock.h"

namespace genkidama::cli {
namespace {

constexpr Milliseconds kStartTimeout{120'000};
// A Child that the Parent told of the end needs as long as its round takes; one that never joined hears
// nothing.
constexpr Milliseconds kChildPatience{3'000};
// What a killed cluster has left behind may still be ending.
constexpr Milliseconds kLockPatience{10'000};
// How long a process may take to end once it was asked to.
constexpr Milliseconds kEndTimeout{20'000};

class Pipe {
 public:
  Pipe() {
    if (pipe2(ends_.data(), O_CLOEXEC) != 0) throw IoError(fmt::format("no pipe: {}", std::strerror(errno)));
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }
  void close_write_end() { close_end(1); }

 private:
  void close_end(std::size_t end) {
    if (ends_[end] >= 0) close(ends_[end]);
    ends_[end] = -1;
  }
  std::array<int, 2> ends_{-1, -1};
};

class Cluster {
 public:
  explicit Cluster(const Job& job) : job_(job), directory_(job.settings.run_dir) {}

  /// Returns the exit code.
  int run();

 private:
  void start_parent();
  /// 0 when the Parent ended or a signal came first.
  int read_port();
  void start_children(int port);
  std::vector<std::string> place_of_child(int number) const;
  /// Looks after everybody until the Parent has ended. False when no Child is left to train.
  bool watch();
  void report_ended_children();
  bool all_children_failed() const;
  /// Waits this long for it to end by itself (not after a signal), then asks it to, then kills it.
  void end(SpawnedProcess& process, Milliseconds patience);
  void note_failure(const std::string& error) const;

  const Job& job_;
  run::RunDirectory directory_;
  Pipe ready_;
  std::unique_ptr<SpawnedProcess> parent_;
  std::vector<std::unique_ptr<SpawnedProcess>> children_;
  std::vector<int> failed_;  // exit codes of Children that did not end well
  std::vector<bool> reported_;
};

int Cluster::run() {
  start_parent();
  if (const int port = read_port(); port != 0) start_children(port);
  const bool trained = watch();
  const std::string failure = "every Child ended before the run was over; see their output.log";
  if (!trained) log(LogLevel::kError, "{}", failure);
  if (stop_signal() != 0) {
    // All at once: each needs up to two seconds.
    parent_->signal(SIGTERM);
    for (auto& child : children_) child->signal(SIGTERM);
  }
  end(*parent_, Milliseconds(0));
  // A Parent that ended well has told them so; each ends with its round.
  for (auto& child : children_) end(*child, parent_->exit_code() == 0 ? kChildPatience : Milliseconds(0));
  if (stop_signal() != 0) return 128 + stop_signal();
  if (!trained) {
    note_failure(failure);
    return 1;
  }
  if (parent_->exit_code() == 0) return 0;
  log(LogLevel::kError, "the Parent ended with {}", exit_text(parent_->exit_code()));
  return parent_->exit_code() == 2 ? 2 : 1;
}

void Cluster::start_parent() {
  parent_ = std::make_unique<SpawnedProcess>(
      SpawnedProcess::Options{"parent",
                              parent_words(job_.settings, job_.program.options, ready_.write_end()),
                              {},
                              ready_.write_end()});
  // Only the Parent holds it now: its end, however it comes, ends the reading below.
  ready_.close_write_end();
}

int Cluster::read_port() {
  const Deadline deadline = Deadline::after(kStartTimeout);
  std::string text;
  while (stop_signal() == 0) {
    pollfd waiting{ready_.read_end(), POLLIN, 0};
    if (poll(&waiting, 1, static_cast<int>(kLookInterval.count())) > 0) {
      std::array<char, 16> bytes{};
      const ssize_t count = read(ready_.read_end(), bytes.data(), bytes.size());
      if (count <= 0) return 0;
      text.append(bytes.data(), static_cast<std::size_t>(count));
      if (text.back() == '\n') break;
    }
    if (deadline.passed()) throw IoError("the Parent of the cluster did not start within two minutes");
  }
  int port = 0;
  std::from_chars(text.data(), text.data() + text.size(), port);
  return port;
}

std::vector<std::string> Cluster::place_of_child(int number) const {
  const run::RunDirectory place(directory_.child(number));
  std::error_code error;
  const bool begun = std::filesystem::exists(place.config(), error);
  if (!job_.settings.resume.empty() && begun && place.is_resumable()) {
    return {"--resume=" + place.path().string()};
  }
  if (begun) {
    // It cannot go on. What it left is kept beside the new one.
    std::filesystem::rename(place.path(), place.path().string() + fmt::format(".ended-{}", getpid()), error);
  }
  place.create();
  return {"--run-dir=" + place.path().string()};
}

void Cluster::start_children(int port) {
  for (int number = 1; number <= job_.settings.cluster.children; ++number) {
    auto arguments = child_words(job_.settings, job_.program.options, number, port);
    for (std::string& flag : place_of_child(number)) arguments.push_back(std::move(flag));
    children_.push_back(std::make_unique<SpawnedProcess>(SpawnedProcess::Options{
        cluster_child_name(number), std::move(arguments), directory_.child(number) / "output.log", -1}));
  }
  reported_.assign(children_.size(), false);
}

bool Cluster::watch() {
  while (parent_->running() && stop_signal() == 0) {
    report_ended_children();
    if (all_children_failed()) return false;
    pause_before_look();
  }
  return true;
}

void Cluster::report_ended_children() {
  for (std::size_t i = 0; i < children_.size(); ++i) {
    SpawnedProcess& child = *children_[i];
    if (reported_[i] || child.running()) continue;
    reported_[i] = true;
    if (child.exit_code() == 0) continue;
    failed_.push_back(child.exit_code());
    log(LogLevel::kWarning, "{} ended with {}; {} of {} Children are left; its output is in {}", child.name(),
        exit_text(child.exit_code()), children_.size() - failed_.size(), children_.size(),
        child.output().string());
  }
}

bool Cluster::all_children_failed() const {
  return !children_.empty() && failed_.size() == children_.size();
}

void Cluster::end(SpawnedProcess& process, Milliseconds patience) {
  const Deadline by_itself = Deadline::after(patience);
  while (process.running() && !by_itself.passed() && stop_signal() == 0) pause_before_look();
  // A second one would end it at once, in the middle of what it writes.
  if (!process.was_asked_to_end()) process.signal(SIGTERM);
  const Deadline asked = Deadline::after(kEndTimeout);
  while (process.running() && !asked.passed()) pause_before_look();
  process.signal(SIGKILL);
  while (process.running()) pause_before_look();
}

void Cluster::note_failure(const std::string& error) const {
  // The Parent only knows that it was told to stop.
  try {
    const ConfigFile file = read_config_file("summary", directory_.summary());
    auto summary = nlohmann::ordered_json::parse(file.values.dump());
    summary["ended_by"] = "error";
    summary["error"] = error;
    write_file_atomically(directory_.summary(), summary.dump(2) + "\n");
  } catch (const Error& problem) {
    log(LogLevel::kWarning, "summary.json does not tell of this failure: {}", problem.what());
  }
}

}  // namespace

int run_cluster(Job job) {
  prepare_run_directory(job);
  // Every user of this machine reaches the loopback port. Who is meant inherits this; no command line has it.
  setenv(kTokenVariable, make_token().c_str(), 1);
  const run::RunDirectory directory(job.settings.run_dir);
  directory.create();
  const run::RunLock lock(directory.cluster_lock(), kLockPatience, [] { return stop_signal() != 0; });
  const auto config =
      config_of(job.settings, job.program.options, job.program.name, job.program.environment()->spec().name);
  write_file_atomically(directory.config(), config.dump(2) + "\n");
  return Cluster(job).run();
}

}  // namespace genkidama::cli
