#pragma once

/// @file
/// What concerns several options at once.

#include <optional>
#include <string>
#include <vector>

#include "cli/options/settings.h"
#include "genkidama/net/endpoint.h"
#include "genkidama/net/security.h"

namespace genkidama::cli {

/// Fills in what follows from other values (workers, names) and throws ArgumentError for combinations that
/// make no sense.
void complete_and_check(Settings& settings);

/// The environment steps of the run after which Children train apart; 0: never.
std::uint64_t apart_from_steps(const Settings& settings);

/// How old segments may be that are learnt from, in updates. An algorithm that learns from a replay buffer
/// takes any, unless it is told otherwise.
std::uint64_t most_policy_lag(const Settings& settings);

/// The names of those of the library's algorithms that learn values of a choice's alternatives.
const std::vector<std::string>& value_algorithms();

/// The graph of a cluster of peers. Throws ArgumentError, FormatError and IoError for one that is none.
Topology topology_of(const Settings& settings);

/// Whether it is an algorithm of the library that learns from a replay buffer.
bool learns_from_replay(const Hyperparameters& hyperparameters);

/// Who learns on this machine.
Learning learning_of(const Settings& settings);

/// The hyperparameters of one machine, with the steps at which a linear schedule ends when only the length of
/// the run was given: not kept in the settings, since a resumed run may get another length. A child that is
/// told neither keeps its learning rate, as does what only evaluates. Throws ArgumentError when nothing says
/// where the schedule ends.
Hyperparameters resolved_hyperparameters(const Settings& settings);

/// What it says of tokens and certificates.
LinkSecurity security_of(const Settings& settings);

/// Where --metrics wants its page; nothing when it was not given. Throws ArgumentError for a text that says
/// no such place.
std::optional<Endpoint> metrics_endpoint(const Settings& settings);
/// The same of --page.
std::optional<Endpoint> page_endpoint(const Settings& settings);

}  // namespace genkidama::cli
