#pragma once

/// @file
/// Outer optimizers: what becomes of shared weights when machines have made a round together.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/params/saveable.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Which rule takes the mean change d of a round into the shared weights W. eta is the learning rate, mu the
/// momentum.
enum class OuterOptimizerKind {
  kNone,      ///< W += eta d: plain averaging with eta 1 (local SGD)
  kMomentum,  ///< m = mu m + d, W += eta m (FedAvgM: Hsu, Qi and Brown, 2019)
  kNesterov,  ///< m = mu m + d, W += eta (d + mu m) (DiLoCo: Douillard et al., 2023)
  /// m = b1 m + (1 - b1) d, v = b2 v + (1 - b2) d^2, W += eta m / (sqrt(v) + epsilon), with v = epsilon^2 at
  /// the beginning (FedAdam: Reddi et al., 2021, Algorithm 2)
  kAdam,
};

/// The name of a kind: "none", "momentum", "nesterov" or "adam".
const char* outer_optimizer_name(OuterOptimizerKind kind);
/// The kind of that name; nothing when there is none.
std::optional<OuterOptimizerKind> outer_optimizer_of(std::string_view name);

/// An outer optimizer's rule and constants. The defaults of the momentum rules are those with which four
/// machines needed the fewest steps to solve LunarLander, of the few that were tried. DiLoCo's own, eta 0.7
/// and mu 0.9, are for many more inner steps in a round; with them some runs did not solve it.
struct OuterOptimizerOptions {
  OuterOptimizerKind kind = OuterOptimizerKind::kNone;  ///< the rule
  /// eta, > 0. Empty: 0.01 for kAdam, and 1 for the others.
  std::optional<double> learning_rate;
  double momentum = 0.3;  ///< mu, in [0, 1)
  double beta1 = 0.9;     ///< kAdam's, in [0, 1)
  double beta2 = 0.99;    ///< kAdam's, in [0, 1)
  double epsilon = 1e-3;  ///< kAdam's, > 0: how far from 0 a denominator stays

  /// eta as it is used.
  double rate() const;
};

/// A rule with its memory, which outlives the process as a Saveable. The same changes in the same order give
/// the same weights, bit for bit, also when the memory was saved and restored in between. The class is not
/// synchronised.
class OuterOptimizer : public Saveable {
 public:
  /// Makes kNone.
  OuterOptimizer() = default;
  /// Throws ArgumentError for constants out of range.
  explicit OuterOptimizer(const OuterOptimizerOptions& options);

  /// The options as they were given.
  const OuterOptimizerOptions& options() const { return options_; }
  /// How many weights its memory is of; 0 before the first round, and for kNone.
  std::size_t size() const { return momentum_.size(); }

  /// Takes the mean change of a round into the weights, in float32. The memory begins with the first round.
  /// The result may overflow: the caller looks at it. Throws ArgumentError, with nothing changed, when the
  /// two sizes differ or are not those of the round before.
  void apply(std::span<float> weights, std::span<const float> change);

  /// Writes the rule's name and its memory; nothing before the first round, or for kNone.
  void save(StateWriter& state) const override;
  /// Goes on from the memory of the same kind. The state of another kind has a memory that means nothing
  /// here: this one then begins anew. Throws FormatError for fields that are damaged.
  void restore(const StateReader& state) override;

 private:
  void apply_momentum(std::span<float> weights, std::span<const float> change);
  void apply_adam(std::span<float> weights, std::span<const float> change);

  OuterOptimizerOptions options_;
  std::vector<float> momentum_;  ///< m; empty before the first round, and for kNone
  std::vector<float> variance_;  ///< v, for kAdam
};

}  // namespace genkidama
