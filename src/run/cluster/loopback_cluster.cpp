#include "genkidama/run/loopback_cluster.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <utility>

#include "genkidama/core/atomic_file.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/core/random.h"
#include "genkidama/core/version.h"
#include "genkidama/net/token.h"
#include "run/cluster/ready_pipe.h"
#include "run/directory/json_file.h"
#include "run/directory/run_directory.h"
#include "run/directory/run_lock.h"
#include "run/process/spawned_process.h"
#include "run/state/run_state.h"

namespace genkidama::run {
namespace {

std::string config_text(const LoopbackClusterOptions& options) {
  if (!options.config.empty()) return options.config;
  const nlohmann::ordered_json config = {
      {"version", kVersion}, {"command", "cluster"}, {"children", options.children}, {"seed", options.seed}};
  return json_text(config);
}

class Cluster {
 public:
  Cluster(const LoopbackClusterOptions& options, bool goes_on)
      : options_(options), goes_on_(goes_on), directory_(options.directory), token_(make_token()) {}

  ClusterSummary run();

 private:
  void write_config() const;
  void start_parent();
  void start_children(int port);
  std::unique_ptr<SpawnedProcess> start(const MemberContext& member, std::filesystem::path output) const;
  /// Whether the Child's own run goes on. If not, its directory is made, and what was in it is kept beside.
  bool prepare_child(const RunDirectory& place, const std::string& name) const;
  /// Looks after everybody until the Parent has ended. False when no Child is left to train.
  bool watch();
  void report_ended_children();
  bool all_children_failed() const { return !children_.empty() && failed_ == children_.size(); }
  /// Waits this long for it to end by itself (not after a stop), then asks it to, then kills it.
  void end(SpawnedProcess& process, Milliseconds patience);
  void note_failure(const std::string& error) const;
  bool stopped() {
    stopped_ = stopped_ || (options_.stop && options_.stop());
    return stopped_;
  }

  const LoopbackClusterOptions& options_;
  const bool goes_on_;
  RunDirectory directory_;
  const std::string token_;
  ReadyPipe ready_{"the Parent of the cluster"};
  std::unique_ptr<SpawnedProcess> parent_;
  std::vector<std::unique_ptr<SpawnedProcess>> children_;
  std::size_t failed_ = 0;  // Children that did not end well
  std::vector<bool> reported_;
  bool stopped_ = false;
};

ClusterSummary Cluster::run() {
  if (!goes_on_) write_config();
  start_parent();
  const auto port = ready_.read_port(options_.start_timeout, [this] { return stopped(); });
  // Now that the Parent has taken the state of a run that goes on: a refused resume changes nothing.
  if (port && goes_on_) write_config();
  if (port) start_children(*port);
  const bool trained = watch();
  ClusterSummary summary;
  if (!trained) {
    summary.error = "every Child ended before the run was over; see their output.log";
    log(LogLevel::kError, "{}", summary.error);
  }
  if (stopped()) {
    // All at once: each needs up to two seconds.
    parent_->signal(SIGTERM);
    for (auto& child : children_) child->signal(SIGTERM);
  }
  end(*parent_, Milliseconds(0));
  // A Parent that ended well has told them so; each ends with its round.
  for (auto& child : children_) {
    end(*child, parent_->exit_code() == 0 ? options_.child_patience : Milliseconds(0));
    summary.child_exit_codes.push_back(child->exit_code());
  }
  summary.stopped = stopped();
  summary.parent_exit_code = parent_->exit_code();
  if (summary.stopped) {
    summary.error.clear();
  } else if (!trained) {
    note_failure(summary.error);
  } else if (parent_->exit_code() != 0) {
    summary.error = fmt::format("the Parent ended with {}", exit_text(parent_->exit_code()));
    log(LogLevel::kError, "{}", summary.error);
  }
  return summary;
}

std::unique_ptr<SpawnedProcess> Cluster::start(const MemberContext& member,
                                               std::filesystem::path output) const {
  SpawnedProcess::Options process;
  process.name = member.name;
  process.output = std::move(output);
  process.inherited_fd = member.ready_fd;
  if (options_.member_words) {
    process.arguments = options_.member_words(member);
    if (process.arguments.empty()) {
      throw ArgumentError(fmt::format("member_words gives no words for {}", member.name));
    }
  } else {
    process.body = [this, member] { return options_.run_member(member); };
  }
  return std::make_unique<SpawnedProcess>(std::move(process));
}

void Cluster::write_config() const {
  write_file_atomically(directory_.config(), config_text(options_));
}

void Cluster::start_parent() {
  MemberContext member;
  member.name = "parent";
  member.directory = directory_.path();
  member.resume = goes_on_;
  member.seed = options_.seed;
  member.endpoint = {"127.0.0.1", 0};
  member.token = token_;
  member.ready_fd = ready_.member_end();
  parent_ = start(member, {});
  ready_.close_member_end();
}

void Cluster::start_children(int port) {
  for (int number = 1; number <= options_.children; ++number) {
    const RunDirectory place(directory_.child(number));
    MemberContext member;
    member.number = number;
    member.name = fmt::format("child_{}", number);
    member.directory = place.path();
    member.resume = prepare_child(place, member.name);
    member.seed = derive_seed(options_.seed, {static_cast<std::uint64_t>(number)});
    member.endpoint = {"127.0.0.1", static_cast<std::uint16_t>(port)};
    member.token = token_;
    children_.push_back(start(member, place.path() / "output.log"));
  }
  reported_.assign(children_.size(), false);
}

bool Cluster::prepare_child(const RunDirectory& place, const std::string& name) const {
  std::error_code error;
  const bool begun = std::filesystem::exists(place.config(), error) || place.has_state();
  if (goes_on_ && begun && place.is_resumable()) {
    const std::string problem = place.has_state() ? run_state_problem(place.state()) : "";
    if (problem.empty()) return true;
    log(LogLevel::kWarning,
        "{} begins anew with the Parent's weights, because its own state is lost: {}; what it left is kept "
        "beside its directory",
        name, problem);
  }
  // As process 1 of a container this process has the same number each time.
  if (begun) move_aside(place, fmt::format("ended-{}", getpid()), 0);
  place.create();
  return false;
}

bool Cluster::watch() {
  while (parent_->running() && !stopped()) {
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
    failed_ += 1;
    log(LogLevel::kWarning, "{} ended with {}; {} of {} Children are left; its output is in {}", child.name(),
        exit_text(child.exit_code()), children_.size() - failed_, children_.size(), child.output().string());
  }
}

void Cluster::end(SpawnedProcess& process, Milliseconds patience) {
  const Deadline by_itself = Deadline::after(patience);
  while (process.running() && !by_itself.passed() && !stopped()) pause_before_look();
  // A second one would end it at once, in the middle of what it writes.
  if (!process.was_asked_to_end()) process.signal(SIGTERM);
  const Deadline asked = Deadline::after(options_.end_timeout);
  while (process.running() && !asked.passed()) pause_before_look();
  process.signal(SIGKILL);
  while (process.running()) pause_before_look();
}

void Cluster::note_failure(const std::string& error) const {
  // The Parent only knows that it was told to stop.
  std::ifstream file(directory_.summary(), std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  try {
    auto summary = nlohmann::ordered_json::parse(text);
    summary["ended_by"] = "error";
    summary["error"] = error;
    write_json_file(directory_.summary(), summary);
  } catch (const nlohmann::json::exception& problem) {
    log(LogLevel::kWarning, "summary.json does not tell of this failure: {}", json_problem(problem, text));
  } catch (const Error& problem) {
    log(LogLevel::kWarning, "summary.json does not tell of this failure: {}", problem.what());
  }
}

RunOptions run_options(const LoopbackClusterOptions& options) {
  RunOptions run;
  run.directory = options.directory;
  run.resume = options.resume;
  run.option_name = options.option_name;
  return run;
}

void check_spans(const LoopbackClusterOptions& options) {
  const auto check = [](const char* field, Milliseconds value, Milliseconds least) {
    if (value >= least) return;
    throw ArgumentError(
        fmt::format("{} is {} ms; expected at least {} ms", field, value.count(), least.count()));
  };
  check("lock_patience", options.lock_patience, Milliseconds(0));
  check("start_timeout", options.start_timeout, Milliseconds(1));
  check("child_patience", options.child_patience, Milliseconds(0));
  check("end_timeout", options.end_timeout, Milliseconds(0));
}

}  // namespace

LoopbackCluster::LoopbackCluster(LoopbackClusterOptions options) : options_(std::move(options)) {
  if (options_.directory.empty()) throw ArgumentError("directory is empty; a cluster needs a run directory");
  if (options_.children < 1) {
    throw ArgumentError(fmt::format("children is {}; a cluster needs at least 1", options_.children));
  }
  if (static_cast<bool>(options_.run_member) == static_cast<bool>(options_.member_words)) {
    throw ArgumentError(fmt::format("{} run_member and member_words {} given; expected exactly one of them",
                                    options_.run_member ? "both" : "neither of",
                                    options_.run_member ? "are" : "is"));
  }
  check_spans(options_);
  check_json_object("config", options_.config);
  RunDirectory(options_.directory).goes_on(run_options(options_));
}

ClusterSummary LoopbackCluster::run() {
  if (std::exchange(ran_, true)) {
    throw ArgumentError("LoopbackCluster::run() was already called; make a new LoopbackCluster");
  }
  const RunDirectory directory(options_.directory);
  directory.create(run_options(options_));
  const RunLock lock(directory.cluster_lock(), options_.lock_patience, options_.stop);
  // Again, now that nobody else can begin here.
  const bool goes_on = directory.goes_on(run_options(options_));
  return Cluster(options_, goes_on).run();
}

}  // namespace genkidama::run
