#pragma once

/// @file
/// What a simulation came to, as text, JSON and CSV.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/simulation/simulation_run.h"

namespace genkidama::cli {

/// The flags that give the costs which were measured.
std::string cost_flags(const StepCosts& costs);

/// For people: a few rows of the curve, and what the simulation came to.
std::string to_text(const SimulationResult& result);

nlohmann::ordered_json to_json(const SimulationResult& result);

/// A row for each update.
std::string to_csv(const SimulationResult& result);

}  // namespace genkidama::cli
