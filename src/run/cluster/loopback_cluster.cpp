#include "genkidama/run/loopback_cluster.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <map>
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
  MemberContext parent_member(const ReadyPipe& ready) const;
  /// The ports where each group's Children find their Parent, that of group 0 without middle Parents; nothing
  /// when one does not listen.
  std::optional<std::map<int, int>> start_groups(int port);
  void start_children(const std::map<int, int>& port_of_group);
  /// 0 without middle Parents.
  int group_of(int child) const;
  std::unique_ptr<SpawnedProcess> start(const MemberContext& member, std::filesystem::path output) const;
  /// Whether the Child's own run goes on. If not, its directory is made, and what was in it is kept beside.
  bool prepare_member(const RunDirectory& place, const std::string& name) const;
  /// Looks after everybody until the Parent has ended. False when no Child is left to train.
  bool watch();
  /// Tells of those that have ended badly since the last time.
  void report_ended();
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
  /// Of one kind, and how many did not end well.
  struct Members {
    const char* what;  // for people, many of them
    std::vector<std::unique_ptr<SpawnedProcess>> processes{};
    std::vector<bool> reported{};
    std::size_t failed = 0;

    bool all_failed() const { return !processes.empty() && failed == processes.size(); }
    void add(std::unique_ptr<SpawnedProcess> process) {
      processes.push_back(std::move(process));
      reported.push_back(false);
    }
  };
  Members groups_{"middle Parents"}, children_{"Children"};
  bool stopped_ = false;
};

ClusterSummary Cluster::run() {
  if (!goes_on_) write_config();
  start_parent();
  const auto port = ready_.read_port(options_.start_timeout, [this] { return stopped(); });
  // Now that the Parent has taken the state of a run that goes on: a refused resume changes nothing.
  if (port && goes_on_) write_config();
  if (port) {
    if (const auto ports = start_groups(*port)) start_children(*ports);
  }
  const bool trained = watch();
  ClusterSummary summary;
  if (!trained) {
    summary.error = fmt::format("every {} ended before the run was over; see their output.log",
                                groups_.all_failed() ? "middle Parent" : "Child");
    log(LogLevel::kError, "{}", summary.error);
  }
  if (stopped()) {
    // All at once: each needs up to two seconds.
    parent_->signal(SIGTERM);
    for (const Members* members : {&groups_, &children_}) {
      for (const auto& process : members->processes) process->signal(SIGTERM);
    }
  }
  end(*parent_, Milliseconds(0));
  // A Parent that ended well has told them so; each ends with its round.
  const auto end_members = [&](Members& members, std::vector<int>& codes) {
    for (auto& process : members.processes) {
      end(*process, parent_->exit_code() == 0 ? options_.child_patience : Milliseconds(0));
      codes.push_back(process->exit_code());
    }
  };
  end_members(groups_, summary.group_exit_codes);
  end_members(children_, summary.child_exit_codes);
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

MemberContext Cluster::parent_member(const ReadyPipe& ready) const {
  MemberContext member;
  member.name = "parent";
  member.directory = directory_.path();
  member.resume = goes_on_;
  member.seed = options_.seed;
  member.endpoint = {"127.0.0.1", 0};
  member.token = token_;
  member.ready_fd = ready.member_end();
  member.children = options_.groups > 0 ? options_.groups : options_.children;
  return member;
}

int Cluster::group_of(int child) const {
  return options_.groups == 0 ? 0 : 1 + (child - 1) * options_.groups / options_.children;
}

void Cluster::start_parent() {
  parent_ = start(parent_member(ready_), {});
  ready_.close_member_end();
}

std::optional<std::map<int, int>> Cluster::start_groups(int port) {
  if (options_.groups == 0) return std::map<int, int>{{0, port}};
  std::map<int, int> ports;
  for (int group = 1; group <= options_.groups; ++group) {
    const std::string name = fmt::format("group_{}", group);
    ReadyPipe ready(name);
    MemberContext member = parent_member(ready);
    member.group = group;
    member.name = name;
    const RunDirectory place(directory_.group(group));
    member.directory = place.path();
    member.resume = prepare_member(place, member.name);
    member.children = 0;
    for (int child = 1; child <= options_.children; ++child)
      member.children += group_of(child) == group ? 1 : 0;
    member.upper = Endpoint{"127.0.0.1", static_cast<std::uint16_t>(port)};
    groups_.add(start(member, place.path() / "output.log"));
    ready.close_member_end();
    const auto listens = ready.read_port(options_.start_timeout, [this] { return stopped(); });
    if (!listens) return std::nullopt;
    ports[group] = *listens;
  }
  return ports;
}

void Cluster::start_children(const std::map<int, int>& port_of_group) {
  for (int number = 1; number <= options_.children; ++number) {
    const RunDirectory place(directory_.child(number));
    MemberContext member;
    member.number = number;
    member.name = fmt::format("child_{}", number);
    member.directory = place.path();
    member.resume = prepare_member(place, member.name);
    member.seed = derive_seed(options_.seed, {static_cast<std::uint64_t>(number)});
    member.endpoint = {"127.0.0.1", static_cast<std::uint16_t>(port_of_group.at(group_of(number)))};
    member.token = token_;
    children_.add(start(member, place.path() / "output.log"));
  }
}

bool Cluster::prepare_member(const RunDirectory& place, const std::string& name) const {
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
    report_ended();
    if (children_.all_failed() || groups_.all_failed()) return false;
    pause_before_look();
  }
  return true;
}

void Cluster::report_ended() {
  for (Members* members : {&groups_, &children_}) {
    const std::size_t count = members->processes.size();
    for (std::size_t i = 0; i < count; ++i) {
      SpawnedProcess& process = *members->processes[i];
      if (members->reported[i] || process.running()) continue;
      members->reported[i] = true;
      if (process.exit_code() == 0) continue;
      members->failed += 1;
      log(LogLevel::kWarning, "{} ended with {}; {} of {} {} are left; its output is in {}", process.name(),
          exit_text(process.exit_code()), count - members->failed, count, members->what,
          process.output().string());
    }
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
  if (options_.groups < 0 || options_.groups > options_.children) {
    throw ArgumentError(fmt::format(
        "groups is {}, with {} Children; expected 0 (no middle Parents), or at most one for each Child",
        options_.groups, options_.children));
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
