#pragma once

/// @file
/// state.safetensors: all that --resume needs, in one file that is replaced whole.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/ipc/replay_buffer.h"
#include "genkidama/net/child.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/parameter_layout.h"
#include "genkidama/params/policy_average.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/run/run_totals.h"
#include "run/state/machine_time.h"

namespace genkidama::run {

struct RunState {
  RunTotals totals;
  std::vector<float> weights;           ///< those that learning goes on with
  std::string policy_average = "none";  ///< kind of `average`
  PolicyAverageState average;
  std::vector<float> optimizer_state;  ///< empty at a Parent
  std::uint64_t optimizer_steps = 0;
  std::uint64_t rounds = 0;
  std::vector<ReplayShare> replay;     ///< one for each worker; empty without a replay buffer
  std::vector<double> recent_returns;  ///< those whose mean is shown
  bool evaluation_missing = false;     ///< the one of this update was given up
  ChildSessionState session;           ///< a Child's
  std::string children;                ///< a Parent's ChildCounters as text
  MachineTime written;                 ///< when
};

/// Where write_run_state() keeps the state that was there before: state.previous.safetensors.
std::filesystem::path previous_state_of(const std::filesystem::path& path);

/// With a checksum over all of it and the present time; the state before it is kept. Throws as
/// write_safetensors_keeping_previous().
void write_run_state(const std::filesystem::path& path, const ParameterLayout& layout, const RunState& state);

/// A state without an average, as one written before there were any, has none. Throws IoError, FormatError
/// (also when the checksum is not that of the content), or LayoutError when the weights or the optimizer's
/// state are of another network or optimizer.
RunState read_run_state(const std::filesystem::path& path, const ParameterLayout& layout,
                        std::size_t optimizer_state_size);

/// Whether the file is the state of a run, of this or an older version, and not a policy alone.
bool is_run_state(const Checkpoint& file);

struct NewestRunState {
  RunState state;
  std::filesystem::path file;  ///< `path` or the previous one
  std::string problem;         ///< why it is not `path`; else empty
};

/// The state at `path`, or the one before it when that cannot be read. Throws FormatError naming both files
/// and what is wrong with each, LayoutError as read_run_state().
NewestRunState read_newest_run_state(const std::filesystem::path& path, const ParameterLayout& layout,
                                     std::size_t optimizer_state_size);

}  // namespace genkidama::run
