#pragma once

/// @file
/// What the command line says of links, for the library.

#include "cli/commands/job.h"
#include "genkidama/net/child.h"
#include "genkidama/net/parent.h"
#include "genkidama/run/loopback_cluster.h"

namespace genkidama::cli {

/// Of a Parent or a learner.
ParentOptions parent_options(const Job& job);
/// Of a Child or an actor.
ChildOptions child_options(const Settings& settings);
/// Who has started this process, if a cluster has.
run::MemberContext member_of(const Job& job);

}  // namespace genkidama::cli
