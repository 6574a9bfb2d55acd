#pragma once

/// @file
/// The machines of a simulation, from what the command line says of them.

#include <optional>
#include <vector>

#include "cli/options/settings.h"
#include "genkidama/sim/simulation.h"

namespace genkidama::cli {

struct SimulatedPart {
  sim::SimulatedMachine model;
  std::optional<int> round_steps;  ///< nothing: as the others
  bool has_own_step = false, has_own_gradient = false, has_own_inference = false;
};

/// One for each machine. A cost that nobody gives is 0 here. Throws ArgumentError that names the flag and the
/// word.
std::vector<SimulatedPart> machines_of(const Settings& settings);

}  // namespace genkidama::cli
