#pragma once

/// @file
/// What the command line says of links, for the library.

#include <optional>
#include <string>

#include "cli/commands/job.h"
#include "genkidama/net/child.h"
#include "genkidama/net/environments.h"
#include "genkidama/net/parent.h"
#include "genkidama/net/peer.h"
#include "genkidama/net/shard.h"
#include "genkidama/net/shard_links.h"
#include "genkidama/net/upper_parent.h"
#include "genkidama/run/loopback_cluster.h"

namespace genkidama::cli {

/// Of a Parent or a learner.
ParentOptions parent_options(const Job& job);
/// Of a Parent with one above it; nothing without.
std::optional<UpperParentOptions> upper_options(const Job& job);
/// Of a Child or an actor.
ChildOptions child_options(const Settings& settings);
PeerOptions peer_options(const Settings& settings);
ShardOptions shard_options(const Settings& settings);
HostedEnvironmentsOptions hosted_environments_options(const Settings& settings);
EnvironmentHostOptions environment_host_options(const Settings& settings);
/// `optimizer`: as optimizer_text() has it.
ShardLinksOptions shard_links_options(const Settings& settings, const std::string& optimizer);
/// Who has started this process, if a cluster has.
run::MemberContext member_of(const Job& job);

}  // namespace genkidama::cli
