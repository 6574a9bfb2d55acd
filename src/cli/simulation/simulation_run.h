#pragma once

/// @file
/// One simulation of the program's task: trainers, evaluations, and when it ends.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands/job.h"
#include "cli/simulation/machine_list.h"
#include "cli/simulation/step_costs.h"
#include "genkidama/sim/simulation.h"

namespace genkidama::cli {

/// One update as a row of the table.
struct SimulatedRow {
  double seconds = 0;
  std::uint64_t update = 0;
  Played played;
  std::optional<double> recent_return, evaluated_return;
};

struct SimulationResult {
  std::string cut;
  std::string exchange;  ///< of weights; else empty
  int machines = 0;
  int groups = 0;  ///< of a tree; else 0
  sim::SimulationSummary summary;
  std::vector<SimulatedRow> rows;
  std::optional<SimulatedRow> reached;  ///< the first update whose evaluation has reached the target
  std::string end;                      ///< why it ended
};

/// A trainer that the calling thread plays; `hyperparameters` are resolved.
std::unique_ptr<CoreOrchestrator> make_called_trainer(const Job& job, const Hyperparameters& hyperparameters,
                                                      std::uint64_t seed, EnvironmentPurpose purpose,
                                                      Learning learning = Learning::kWorkers);

/// Throws ArgumentError for machines or options that cannot be simulated.
SimulationResult simulate_task(const Job& job, const std::vector<SimulatedPart>& machines);

/// The same with a quadratic in place of the task (SimulationSettings::quadratic).
SimulationResult simulate_quadratic(const Job& job, const std::vector<SimulatedPart>& machines);

/// The costs of machines whose costs nobody gives are measured; nothing when all are given.
std::optional<StepCosts> complete_costs(const Job& job, std::vector<SimulatedPart>& machines);

/// Whether a simulation of these settings ends by itself at this row, and why; empty: it goes on.
std::string end_of(const Settings& settings, const SimulatedRow& row);

/// Whether so many learners with rounds of their own are not too many for one trainer that plays for all.
bool are_rounds_in_reach(const Hyperparameters& hyperparameters, int learners);

/// What is simulated but for the trainers.
sim::SimulationOptions simulation_options(const Job& job, const std::vector<SimulatedPart>& machines);

}  // namespace genkidama::cli
