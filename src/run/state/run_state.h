#pragma once

/// @file
/// state.safetensors: all that --resume needs, in one file that is replaced whole.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/net/child.h"
#include "genkidama/params/parameter_layout.h"
#include "genkidama/params/policy_average.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/params/saveable.h"
#include "genkidama/run/run_totals.h"
#include "run/state/machine_time.h"

namespace genkidama::run {

struct RunState {
  RunTotals totals;
  std::string network;                  ///< Network::description(); empty when it does not say
  std::vector<float> weights;           ///< those that learning goes on with
  std::string policy_average = "none";  ///< kind of `average`
  PolicyAverageState average;
  /// Writes its fields too; nullptr at a Parent. A state that was read has none: its fields went to whom
  /// read_run_state() was given.
  const Saveable* trainer = nullptr;
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

/// Restores `trainer`, if it is not nullptr, from the state, and returns the rest. A state without an
/// average, as one written before there were any, has none. Throws IoError, FormatError (also when the
/// checksum is not that of the content), or LayoutError when the weights are of another network, or something
/// in the state is of another trainer. `network` is the description of the trainer's network; it is compared
/// when both it and the state say one.
RunState read_run_state(const std::filesystem::path& path, const ParameterLayout& layout, Saveable* trainer,
                        const std::string& network = {});

/// Whether the file is the state of a run, of this or an older version, and not a policy alone.
bool is_run_state(const Checkpoint& file);

struct NewestRunState {
  RunState state;
  std::filesystem::path file;  ///< `path` or the previous one
  std::string problem;         ///< why it is not `path`; else empty
};

/// The state at `path`, or the one before it when that cannot be read. Throws FormatError naming both files
/// and what is wrong with each, IoError for a file that this process may not read, LayoutError as
/// read_run_state().
NewestRunState read_newest_run_state(const std::filesystem::path& path, const ParameterLayout& layout,
                                     Saveable* trainer, const std::string& network = {});

}  // namespace genkidama::run
