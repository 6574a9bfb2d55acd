#pragma once

/// @file
/// The mean of what several machines have learnt in a round that they made together.

#include <cstdint>
#include <span>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What one machine has learnt: its weights minus those that it began from.
struct WeightedChange {
  std::span<const float> change;  ///< finite values
  double weight = 0;              ///< its share of the mean, >= 0: the environment steps that were played
  double discount = 1;            ///< in [0, 1]; staleness_discount() for a change that comes late
};

/// What a change counts for that was learnt from weights of `staleness` rounds ago: 1 / sqrt(1 + staleness),
/// as in buffered asynchronous federated averaging (FedBuff: Nguyen et al., 2022).
double staleness_discount(std::uint64_t staleness);

/// Computes, element by element and summed in double precision in the order that is given,
///
///     mean = sum of discount_k weight_k change_k / sum of weight_k
///
/// So a change that is discounted moves the mean less, also when it is alone. When all weights are 0 they
/// count as 1. Throws ArgumentError, with `mean` untouched, when there are no changes, sizes differ, or a
/// weight or discount is out of range.
void average_changes(std::span<const WeightedChange> changes, std::span<float> mean);

}  // namespace genkidama
