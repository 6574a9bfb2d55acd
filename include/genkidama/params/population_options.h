#pragma once

/// @file
/// What a population explores, and when its members copy each other.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The most hyperparameters that a population explores.
inline constexpr std::size_t kMostExplored = 32;

/// A hyperparameter whose value each member of a population has for itself.
struct ExploredHyperparameter {
  std::string name;  ///< as the field of Hyperparameters: "learning_rate"
  double low = 0;    ///< the least value that it may have, below `high`
  double high = 0;   ///< the greatest value that it may have
  /// Values are drawn evenly by their logarithm, for which `low` must be above 0; false: evenly.
  bool logarithmic = false;

  /// Compares field by field.
  friend bool operator==(const ExploredHyperparameter&, const ExploredHyperparameter&) = default;
};

/// How a population is trained (Jaderberg et al. 2017, "Population based training of neural networks").
struct PopulationOptions {
  std::vector<ExploredHyperparameter> explored;  ///< 1 to kMostExplored, each name once
  /// Environment steps that a member plays between two decisions whether it copies another one, >= 1. Its
  /// score is the mean return of the episodes that ended in them.
  std::uint64_t ready_steps = 100'000;
  /// A member whose score is in this share of the lowest copies one of this share of the highest, in
  /// (0, 0.5]; at least one member is in each (truncation selection, section 4.1.1 there).
  double share = 0.2;
  /// Chance, in [0, 1], that a value is drawn anew from its range when a member explores. Otherwise it is
  /// multiplied by 0.8 or 1.25, and stays within its range.
  double resample = 0;
  std::uint64_t seed = 1;  ///< all first values and all draws follow from it

  /// Throws ArgumentError naming the first field that is out of range, its value and its range.
  void check() const;
};

}  // namespace genkidama
