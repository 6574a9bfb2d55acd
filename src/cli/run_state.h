#pragma once

/// @file
/// state.safetensors: all that --resume needs, in one file that is replaced whole.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/parameter_layout.h"
#include "genkidama/params/policy_average.h"

namespace genkidama::cli {

/// What a run has done so far, the processes it was resumed from included.
struct RunTotals {
  std::uint64_t updates = 0;
  std::uint64_t environment_steps = 0;
  std::uint64_t episodes = 0;
  double wall_seconds = 0;
  std::optional<double> time_to_target_seconds;
};

struct RunState {
  RunTotals totals;
  std::vector<float> weights;           ///< those that learning goes on with
  std::string policy_average = "none";  ///< kind of `average`
  PolicyAverageState average;
  std::vector<float> optimizer_state;  ///< empty at a Parent
  std::uint64_t optimizer_steps = 0;
  std::uint64_t rounds = 0;
};

/// Throws as write_safetensors().
void write_run_state(const std::filesystem::path& path, const ParameterLayout& layout, const RunState& state);

/// A state without an average, as one written before there were any, has none. Throws IoError, FormatError,
/// or LayoutError when the weights or the optimizer's state are of another network or optimizer.
RunState read_run_state(const std::filesystem::path& path, const ParameterLayout& layout,
                        std::size_t optimizer_state_size);

}  // namespace genkidama::cli
