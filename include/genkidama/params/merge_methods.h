#pragma once

/// @file
/// The merge rules that come with the library.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "genkidama/core/export.h"
#include "genkidama/params/merge_method.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How a Parent merges. W_P is the Parent's weights, W_k those that Child k has sent last, n how many
/// Children there are, f how many of them may be faulty (MergeOptions::attackers).
enum class MergeKind {
  kAverage,  ///< W_P = (1-alpha) W_P + alpha W_k (thesis, Algorithm 2); in rounds the mean by steps
  /// The same with alpha s_k / s in place of alpha, at most 1. s_k is what Child k has played since its last
  /// merge, and s is the mean of the s_j of all Children. So each counts by its samples, as in FedAvg
  /// (McMahan et al., 2017). Rounds are by steps without it.
  kBySteps,
  /// The same with alpha times a function of the staleness, FedAsync (Xie, Koyejo and Gupta, 2019); see
  /// StalenessWeight.
  kFedAsync,
  /// W_P = (1-alpha) W_P + alpha M, where M is the median of the W_k in each coordinate (Yin et al., 2018,
  /// Definition 1). The mean of the two in the middle where n is even.
  kMedian,
  /// The same with M the mean of what is left in each coordinate when the k least and the k greatest are
  /// left out (Yin et al., 2018, Definition 2). k is f, or the share MergeOptions::trim of n, rounded up.
  kTrimmedMean,
  /// The same with M the W_k whose n - f - 2 nearest others are the nearest: the least sum of squared
  /// distances (Blanchard et al., 2017). Of several, that of the first name.
  kKrum,
  kMultiKrum,  ///< the same with M the mean of the n - f best by that sum (Blanchard et al., 2017)
  /// The average, after W_k - W_P was scaled down to the norm c where it is longer (Sun et al., 2019). c is
  /// MergeOptions::clip_norm, or the median of the norms that the Children's changes had last.
  kClippedNorm,
};

/// All of them, in the order above.
std::span<const MergeKind> merge_kinds();
/// The name of a kind: "average", "by-steps", "fedasync", "median", "trimmed-mean", "krum", "multi-krum" or
/// "clipped-norm".
const char* merge_kind_name(MergeKind kind);
/// The kind of that name; nothing when there is none.
std::optional<MergeKind> merge_kind_of(std::string_view name);

/// What kFedAsync multiplies alpha with, for weights of staleness s: merges of others since the Child was
/// sent W_P last (Xie, Koyejo and Gupta, 2019, section 5.2).
enum class StalenessWeight {
  kPolynomial,  ///< (1 + s)^-a, with a = MergeOptions::staleness_exponent
  kHinge,       ///< 1 where s <= b, else 1 / (a (s - b) + 1), with a = hinge_slope and b = hinge_from
};

/// The name: "polynomial" or "hinge".
const char* staleness_weight_name(StalenessWeight weight);

/// A kind with its constants. The defaults of kFedAsync are those of its paper.
struct MergeOptions {
  MergeKind kind = MergeKind::kAverage;                             ///< the rule
  StalenessWeight staleness_weight = StalenessWeight::kPolynomial;  ///< kFedAsync
  double staleness_exponent = 0.5;                                  ///< kPolynomial's a, >= 0
  double hinge_slope = 10;                                          ///< kHinge's a, >= 0
  std::uint64_t hinge_from = 4;                                     ///< kHinge's b
  /// f: how many faulty Children kMedian, kTrimmedMean, kKrum and kMultiKrum are to withstand; at most 500.
  std::uint64_t attackers = 1;
  std::optional<double> trim;       ///< kTrimmedMean: the share at each end, in (0, 0.5); empty: by attackers
  std::optional<double> clip_norm;  ///< kClippedNorm: c, > 0; empty: the median of the Children's norms

  /// How many Children's weights must be there before W_P moves, because fewer cannot outvote `attackers`:
  /// 2f + 3 for kKrum and kMultiKrum, 2f + 1 for kMedian and kTrimmedMean, and 1 for the others.
  std::uint64_t fewest_children() const;
};

/// Throws ArgumentError, with the field's name, for a constant out of range.
void check_merge_options(const MergeOptions& options);

/// (1 + s)^-a or the hinge: what kFedAsync multiplies alpha with.
double staleness_factor(const MergeOptions& options, std::uint64_t staleness);

/// Makes a rule; nullptr for kAverage, which a Parent has without one. Throws as check_merge_options().
///
/// kMedian, kTrimmedMean, kKrum and kMultiKrum keep the last weights of each Child that is connected, at most
/// kMostVotes of them: four bytes for each Child and weight. What a Child has sent is forgotten when it
/// leaves. In a run that goes on, the weights of the earlier process count until a Child of that name sends
/// others, and for at most four merges a Child. The rules know Children by their names, and whoever opens
/// many connections is many Children. kKrum and kMultiKrum take time that grows with the square of the number
/// of Children, the others in proportion to it.
///
/// In rounds, the robust rules and kClippedNorm combine the changes that the Children have learnt, a late one
/// after its staleness_discount(). The robust rules do not look at how many steps a change was learnt from.
std::unique_ptr<MergeMethod> make_merge_method(const MergeOptions& options);

/// The most weights that a rule keeps. With more Children, those that were sent first are dropped.
inline constexpr std::size_t kMostVotes = 1024;

/// Reads the notes of the rules above, and drops them: for a state that goes on without such a rule.
void skip_merge_notes(const StateReader& state);

}  // namespace genkidama
