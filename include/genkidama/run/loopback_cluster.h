#pragma once

/// @file
/// A Parent and several Children as processes of this machine, which talk over the loopback device.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/core/export.h"
#include "genkidama/net/child.h"
#include "genkidama/net/endpoint.h"
#include "genkidama/net/parent.h"
#include "genkidama/net/upper_parent.h"
#include "genkidama/run/run_observer.h"
#include "genkidama/run/run_options.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// What the cluster hands to one of its processes.
struct MemberContext {
  int number = 0;    ///< 0 is a Parent; the Children count from 1
  int group = 0;     ///< of a middle Parent, from 1; 0: it is none
  std::string name;  ///< "parent", "group_1", "child_1", ...: ParentOptions::name or ChildOptions::name
  std::filesystem::path directory;  ///< RunOptions::directory
  bool resume = false;              ///< the run that is in the directory goes on; false: it begins
  /// The seed to train with. It follows from LoopbackClusterOptions::seed and the number, so that every Child
  /// plays episodes of its own. The Parent has the seed as it was given.
  std::uint64_t seed = 0;
  /// 127.0.0.1 with a port. A Parent listens there, with port 0 for any free port; a Child dials it.
  Endpoint endpoint;
  int children = 0;  ///< of a Parent: how many members are its Children, as RoundOptions::first_children
  /// Of a middle Parent: where the Parent of the cluster is, whose Child it is.
  std::optional<Endpoint> upper;
  /// LinkSecurity::token. Every user of the machine reaches the loopback device, so each start of a cluster
  /// has a new one.
  std::string token;
  /// The descriptor that tell_ports() writes to. It stays open in a Parent that is an executed program; -1
  /// for a Child.
  int ready_fd = -1;

  /// Whether the member is a Parent, that of the cluster or a middle one.
  bool is_parent() const { return number == 0; }
  /// Whether the member is a Parent between that of the cluster and its Children.
  bool is_middle() const { return group > 0; }

  /// The Parent must call this once it listens, with Parent::ports(); PortTeller does it for a ParentRun. The
  /// Children are started then. Throws
  /// IoError when the process that has started this one is gone.
  void tell_ports(std::span<const std::uint16_t> ports) const;
};

/// Fills in what a member of a cluster is told, and leaves all else to the caller: the directory, whether the
/// run in it goes on, and end_reason(). The Parent leaves config.json to the cluster; a Child leaves
/// evaluations to the Parent, and begins with its weights, not with init_from. So does a middle Parent, whose
/// run has no end of its own.
void apply(const MemberContext& member, RunOptions& options);
/// Where the Parent listens, its name and its token.
void apply(const MemberContext& member, ParentOptions& options);
/// Whom the Child dials, its name and its token.
void apply(const MemberContext& member, ChildOptions& options);
/// The same of a middle Parent as the Child of the Parent of the cluster.
void apply(const MemberContext& member, UpperParentOptions& options);

/// Calls MemberContext::tell_ports() once a ParentRun listens.
class PortTeller : public RunObserver {
 public:
  /// `member` is what the Parent was told.
  explicit PortTeller(MemberContext member) : member_(std::move(member)) {}
  /// Tells the ports on.
  void on_listening(std::span<const std::uint16_t> ports) override { member_.tell_ports(ports); }

 private:
  MemberContext member_;
};

/// How a cluster is started, watched and ended.
struct LoopbackClusterOptions {
  /// The run directory of the Parent, and so the cluster's. Child N has children/child_N in it.
  std::filesystem::path directory;
  Resume resume = Resume::kNever;  ///< what happens to a cluster that is in the directory already
  int children = 2;                ///< how many Children there are, >= 1
  /// How many middle Parents there are, at most as many as Children. Each has its share of the Children,
  /// those with neighbouring numbers, and is a Child of the Parent (UpperParent). Group N has groups/group_N
  /// in the directory. 0: the Children are the Parent's own.
  int groups = 0;
  std::uint64_t seed = 1;  ///< MemberContext::seed follows from it
  /// The text of config.json in the directory, a JSON object. Empty: it tells the number of Children and the
  /// seed.
  std::string config;

  // Exactly one of these two says what a member does.
  /// Called in a process that is forked for the member. The result is the exit code of that process: 0 for a
  /// member that has ended well. The functions of genkidama/run/stop_signal.h tell it when the cluster, or
  /// somebody else by a signal, asks it to end. What the function throws is logged, and the exit code is then
  /// 2 for an ArgumentError and 1 for anything else.
  std::function<int(const MemberContext&)> run_member;
  /// Called in this process. The result is the command line, without the program's name, with which this
  /// program is executed again as the member.
  std::function<std::vector<std::string>(const MemberContext&)> member_words;

  /// Asked some times a second by run(). True ends the cluster: every member gets SIGTERM. Empty: never.
  std::function<bool()> stop;

  /// How long run() waits for another cluster to leave the directory, >= 0; a killed one may still be ending.
  Milliseconds lock_patience{10'000};
  Milliseconds start_timeout{120'000};  ///< until the Parent listens, > 0
  /// For a Child to end by itself after the Parent has ended well, >= 0. The Parent has told it so, unless it
  /// never joined.
  Milliseconds child_patience{3'000};
  Milliseconds end_timeout{20'000};  ///< from SIGTERM to SIGKILL for a member that does not end, >= 0

  /// How messages name an option, given the field; RunOptions::option_name.
  std::function<std::string(std::string_view field)> option_name;
};

/// What a cluster came to. How the training went is in summary.json of its directory.
struct ClusterSummary {
  bool stopped = false;  ///< LoopbackClusterOptions::stop has ended it
  /// Why the cluster has failed: the Parent ended badly, or every Child did. Empty when it has not.
  std::string error;
  /// The Parent's exit code, or 128 + N when signal N ended it.
  int parent_exit_code = 0;
  /// The same of the Children, in their order; fewer when the Parent ended before they were started.
  std::vector<int> child_exit_codes;
  /// The same of the middle Parents.
  std::vector<int> group_exit_codes;
};

/// Trains with a Parent and Children that are processes of this machine. The Parent writes the run's files
/// and decides when the run is over, which the Children hear from it. A Child that dies is told in the log
/// and leaves the others at work, and so is a middle Parent, whose Children then train alone. When a cluster
/// goes on, a Child that has no state that can be read begins anew with the Parent's weights, and what it
/// left is kept in a directory beside it. When the Parent dies, or no Child or no middle Parent is left, the
/// cluster fails at once. When this process dies, the members hear of it and end.
///
///     genkidama::run::LoopbackClusterOptions options;
///     options.directory = "runs/cluster";
///     options.run_member = [](const genkidama::run::MemberContext& member) {
///       return member.is_parent() ? run_parent(member) : run_child(member);
///     };
///     const auto summary = genkidama::run::LoopbackCluster(options).run();
///
/// **Threads and processes.** With run_member the members are forks of this process: call run() before the
/// program has threads. The signal that tells a member of the end of its starter (SIGUSR1) comes when the
/// thread that calls run() ends. SIGCHLD must not be ignored, and nobody else may wait for the members.
class LoopbackCluster {
 public:
  /// Throws ArgumentError for options that are not possible.
  explicit LoopbackCluster(LoopbackClusterOptions options);

  /// Starts the members, waits until the run is over, and ends them. To be called once: a second call throws
  /// ArgumentError. Throws ArgumentError too when the directory holds what `resume` refuses or another run is
  /// at work in it, and IoError when a member cannot be started, a Child's state may not be read, or the
  /// Parent does not listen in time; no member is left then.
  ClusterSummary run();

 private:
  LoopbackClusterOptions options_;
  bool ran_ = false;
};

}  // namespace run
}  // namespace genkidama
