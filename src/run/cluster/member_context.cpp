#include <unistd.h>

#include "genkidama/run/loopback_cluster.h"
#include "genkidama/run/stop_signal.h"
#include "run/cluster/ready_pipe.h"

namespace genkidama::run {

void MemberContext::tell_ports(std::span<const std::uint16_t> ports) const {
  if (ready_fd < 0) return;
  try {
    tell_port(ready_fd, ports);
  } catch (...) {
    close(ready_fd);
    throw;
  }
  close(ready_fd);
}

void apply(const MemberContext& member, RunOptions& options) {
  options.directory = member.directory;
  options.resume = member.resume ? Resume::kRequired : Resume::kNever;
  options.end_reason = end_reason;
  options.record.seed = member.seed;
  const bool is_root = member.is_parent() && !member.is_middle();
  options.cluster_member = is_root;
  options.record.command = is_root ? "cluster" : member.is_middle() ? "parent" : "child";
  if (is_root) return;
  options.eval_episodes = 0;
  options.init_from.clear();
  options.demonstrations.clear();
  options.clone_only = false;
  if (!member.is_middle()) return;
  options.updates.reset();
  options.max_steps.reset();
  options.target.reset();
  options.evaluate_every.reset();
  options.patience.reset();
}

void apply(const MemberContext& member, ParentOptions& options) {
  options.name = member.name;
  options.listen = {member.endpoint};
  options.security.token = member.token;
}

void apply(const MemberContext& member, UpperParentOptions& options) {
  options.link.name = member.name;
  options.link.connect = member.upper;
  options.link.security.token = member.token;
}

void apply(const MemberContext& member, ChildOptions& options) {
  options.name = member.name;
  options.connect = member.endpoint;
  options.security.token = member.token;
}

}  // namespace genkidama::run
