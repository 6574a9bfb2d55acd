#pragma once

/// @file
/// The one definition of the alpha/beta rule (thesis section 4.2 and Algorithm 2).

#include <cstddef>
#include <span>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// into = (1 - weight) * into + weight * other, element by element, in float32.
///
/// At the Parent: weighted_average(W_P, W_C, alpha); then at the Child: weighted_average(W_C, W_P, beta).
/// Weight 0 leaves `into` bit-identical, and weight 1 makes it a copy of `other`. Throws ArgumentError, with
/// `into` untouched, when weight is NaN or outside [0, 1], the sizes differ, or `other` holds a value that is
/// not finite (the text gives its index). The function is not synchronised: the caller owns both spans.
void weighted_average(std::span<float> into, std::span<const float> other, double weight);

/// Computes the same, bit for bit, for a caller that has already found every value of `other` finite. It
/// reads `other` once instead of twice, which saves a quarter of the traffic to memory. It throws for the
/// rest.
void average_finite(std::span<float> into, std::span<const float> other, double weight);

/// The rule for weights that were trained on while the average was being made:
///
///     local = averaged + (local - snapshot),  averaged = (1 - weight) * snapshot + weight * other
///
/// element by element, in float32. So `local` keeps what it learnt since the snapshot was taken. Where
/// `local` still equals the snapshot, the result is that of weighted_average(local, other, weight). Weight 0
/// leaves `local` bit-identical. The caller has found every value of `other` finite.
void average_finite_since(std::span<float> local, std::span<const float> snapshot,
                          std::span<const float> other, double weight);

/// Throws ArgumentError naming `name` ("alpha", "beta") unless value is in [0, 1].
void check_mixing_weight(double value, const char* name);

/// Returns the index of the first NaN or infinity, or weights.size() when all values are finite.
std::size_t first_non_finite(std::span<const float> weights);

/// Returns the L2 norm, summed in double precision, in which no sum of squares of floats overflows. So it is
/// finite exactly when all values are. The order of the sum depends only on the number of values.
double euclidean_norm(std::span<const float> values);

}  // namespace genkidama
