#pragma once

/// @file
/// The mean of a policy's weights over time, which can play better and more evenly than the latest ones.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/params/saveable.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What is averaged.
enum class PolicyAverageKind {
  kNone,  ///< nothing: the latest weights are the result
  kSwa,   ///< plain mean of the weights since a certain share of the run (Izmailov et al. 2018)
  kEma,   ///< exponential moving average
};

/// The name of a kind: "none", "swa" or "ema".
const char* policy_average_name(PolicyAverageKind kind);

/// Which average, and its constants.
struct PolicyAverageOptions {
  PolicyAverageKind kind = PolicyAverageKind::kNone;  ///< which average
  double decay = 0.9;  ///< ema: what remains of the average at each update, in [0, 1)
  double from = 0.5;   ///< swa: share of the run at which averaging starts, in [0, 1)
};

/// What an average goes on from.
struct PolicyAverageState {
  std::uint64_t count = 0;     ///< number of updates averaged so far
  std::vector<float> weights;  ///< the average, in float32; empty while count is 0
};

/// Averages the weights that a learner has after each of its updates. The learner itself is not touched: it
/// goes on from its own weights, and the average is for evaluating and keeping.
///
/// The class is not synchronised. The same weights in the same order give the same average, bit for bit, also
/// when the average was saved and restored in between.
class PolicyAverage : public Saveable {
 public:
  /// Makes an average of kind kNone.
  PolicyAverage() = default;
  /// Makes an average. Throws ArgumentError for a decay or a start out of range.
  explicit PolicyAverage(PolicyAverageOptions options);

  /// The options as they were given.
  const PolicyAverageOptions& options() const { return options_; }
  /// Describes the average: "ema 0.9", "swa from 0.5" or "none".
  std::string text() const;

  /// Takes the weights after an update into the average:
  ///   swa: average += (weights - average) / (count + 1)
  ///   ema: average += (1 - decay) (weights - average)
  /// The first weights become the average, so an ema needs no correction at its start. `share_done` is the
  /// share of the run that is over, in [0, 1]. While it is below `from`, swa averages nothing and forgets
  /// what it has. Throws ArgumentError, with the average untouched, when the size is not that of the weights
  /// before or a value is not finite.
  void add(std::span<const float> weights, double share_done = 1);

  /// The number of updates averaged so far.
  std::uint64_t count() const { return state_.count; }

  /// Returns the average, or `latest` while there is no average. The result refers to this object or to
  /// `latest`, and is valid until either changes.
  std::span<const float> weights_or(std::span<const float> latest) const;

  /// The count and the average.
  const PolicyAverageState& state() const { return state_; }
  /// Goes on from a state of the same kind. Throws ArgumentError for a count without weights or weights
  /// without a count.
  void restore(PolicyAverageState state);

  /// Writes the kind, the count and the average; nothing while there is no average. The writer refers to the
  /// average, which must stay as it is until it was written.
  void save(StateWriter& state) const override;
  /// Goes on from what save() wrote. Where the state has no average, or one of another kind, this one begins
  /// anew. Throws FormatError for a count without weights or weights without a count.
  void restore(const StateReader& state) override;

  /// The kind of the average in `state`, as policy_average_name() calls it; "none" where there is no average.
  static std::string kind_in(const StateReader& state);

 private:
  PolicyAverageOptions options_;
  PolicyAverageState state_;
};

}  // namespace genkidama
