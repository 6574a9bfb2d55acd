#pragma once

/// @file
/// state.safetensors: all that --resume needs, in one file that is replaced whole.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/export.h"
#include "genkidama/net/child.h"
#include "genkidama/params/parameter_layout.h"
#include "genkidama/params/policy_average.h"
#include "genkidama/params/policy_description.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/params/saveable.h"
#include "genkidama/run/run_totals.h"
#include "run/directory/evaluation_progress.h"
#include "run/state/machine_time.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// What a state says about which kind of run has made it.
namespace run_kind {
inline constexpr const char* kTrainer = "trainer";
inline constexpr const char* kChild = "child";
inline constexpr const char* kPeer = "peer";
inline constexpr const char* kParent = "parent";
inline constexpr const char* kLearner = "learner";
inline constexpr const char* kActor = "actor";
inline constexpr const char* kShard = "shard";
}  // namespace run_kind

/// What a run is a run of. A text that is empty says nothing and is not compared: states of earlier versions
/// say less.
struct RunSubject {
  std::string kind;         ///< one of run_kind
  std::string environment;  ///< EnvironmentSpec::name
  PolicyDescription policy;
};

/// Of a state whose environment, behaviour or normalisation is another one than expected: its weights fit,
/// and mean something else.
class OtherSubjectError : public LayoutError {
 public:
  using LayoutError::LayoutError;
};

struct RunState {
  RunSubject subject;
  RunTotals totals;
  std::vector<float> weights;  ///< those that learning goes on with
  /// Write their fields too. A state that was read has neither: their fields went to what read_run_state()
  /// was given.
  const Saveable* trainer = nullptr;   ///< nullptr at a Parent
  const Saveable* average = nullptr;   ///< the policy's; nullptr: none
  std::string average_kind = "none";   ///< of the average that was read
  std::vector<double> recent_returns;  ///< those whose mean is shown
  bool evaluation_missing = false;     ///< the one of this update was given up
  EvaluationProgress evaluations;      ///< those that were played
  ChildSessionState session;           ///< a Child's
  std::string children;                ///< a Parent's ChildCounters as text
  MachineTime written;                 ///< when
};

/// Where write_run_state() keeps the state that was there before: state.previous.safetensors.
std::filesystem::path previous_state_of(const std::filesystem::path& path);

/// With a checksum over all of it and the present time; the state before it is kept. Throws as
/// write_safetensors_keeping_previous().
void write_run_state(const std::filesystem::path& path, const ParameterLayout& layout, const RunState& state);
/// Does the same with these weights in the place of those of `state`, without a copy of them.
void write_run_state(const std::filesystem::path& path, const ParameterLayout& layout,
                     std::span<const float> weights, const RunState& state);

/// Restores `trainer`, if it is not nullptr, and `average` from the state, and returns the rest. Throws
/// IoError, FormatError (also when the checksum is not that of the content), or LayoutError when the weights
/// are of another network, or something in the state is of another trainer. The state must be of a run of
/// `subject`: LayoutError, before anything is restored, names what it says and what was expected.
RunState read_run_state(const std::filesystem::path& path, const ParameterLayout& layout, Saveable* trainer,
                        PolicyAverage& average, const RunSubject& subject = {});

/// Why neither the state at `path` nor the one before it can be read; empty when one can. Looks at their
/// checksums, not at what they are states of. Throws IoError for a file that this process may not read.
std::string run_state_problem(const std::filesystem::path& path);

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
                                     Saveable* trainer, PolicyAverage& average,
                                     const RunSubject& subject = {});

}  // namespace run
}  // namespace genkidama
