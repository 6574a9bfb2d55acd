#pragma once

/// @file
/// The one definition of the alpha/beta rule (thesis section 4.2 and Algorithm 2).

#include <cstddef>
#include <span>

namespace genkidama {

/// into = (1 - weight) * into + weight * other, element by element, in float32.
///
/// At the Parent: weighted_average(W_P, W_C, alpha); then at the Child: weighted_average(W_C, W_P, beta).
/// Weight 0 leaves `into` bit-identical, weight 1 makes it a copy of `other`. All or nothing: throws
/// ArgumentError, with `into` untouched, when weight is NaN or outside [0, 1], the sizes differ, or `other`
/// holds a value that is not finite (the text gives its index). Not synchronised: the caller owns both.
void weighted_average(std::span<float> into, std::span<const float> other, double weight);

/// Throws ArgumentError naming `name` ("alpha", "beta") unless value is in [0, 1].
void check_mixing_weight(double value, const char* name);

/// Index of the first NaN or infinity, or weights.size() when all are finite.
std::size_t first_non_finite(std::span<const float> weights);

/// L2 norm, summed in double precision.
double euclidean_norm(std::span<const float> values);

}  // namespace genkidama
