#pragma once

/// @file
/// The command lines of the processes that `cluster` starts.

#include <string>
#include <vector>

#include "cli/options/option_row.h"
#include "genkidama/run/loopback_cluster.h"
#include "genkidama/run/loopback_peers.h"

namespace genkidama::cli {

/// The Parent of a cluster: it ends the run, evaluates, and writes the cluster's files. `ready_fd` is where
/// it writes the port on which it listens.
std::vector<std::string> parent_words(const Settings& cluster, const std::vector<OptionRow>& table,
                                      int ready_fd);

/// A Parent between that of a cluster and its Children. It leaves the run's end and all evaluations to the
/// topmost one.
std::vector<std::string> middle_words(const Settings& cluster, const std::vector<OptionRow>& table,
                                      const run::MemberContext& member);

/// Child `number` (1, 2, ...) of a cluster whose Parent listens on this port of the loopback device. It
/// learns with the cluster's options and a seed of its own, and leaves the run's end and all evaluations to
/// the Parent. The words name no run directory.
std::vector<std::string> child_words(const Settings& cluster, const std::vector<OptionRow>& table, int number,
                                     int port);

/// One of a cluster's peers: it trains its share of the cluster's steps, and evaluates its own policy. Its
/// first weights follow from the cluster's seed, and what it plays from its name too. The words name no run
/// directory.
std::vector<std::string> peer_words(const Settings& cluster, const std::vector<OptionRow>& table,
                                    const run::LoopbackPeer& peer);

/// "child_1" for Child 1: the name that the Parent and the files of a cluster call it by.
std::string cluster_child_name(int number);

}  // namespace genkidama::cli
