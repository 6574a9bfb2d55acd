#pragma once

/// @file
/// A policy's matrices in fewer bits.

#include <cstdint>
#include <span>
#include <vector>

#include "genkidama/params/parameter_layout.h"
#include "genkidama/run/export.h"

namespace genkidama::run {

/// What the weights of one unit are whole multiples of, at most 127 of them.
float int8_scale(std::span<const float> row);
/// Those multiples, to the nearest.
std::vector<std::int8_t> int8_codes(std::span<const float> row, float scale);

/// To the nearest 16-bit float.
std::vector<std::uint16_t> float16_codes(std::span<const float> values);

/// Rounds the matrices of a network to what the form can hold, and leaves everything else. Throws
/// ArgumentError for a weight that is too large for it.
void round_matrices(WeightForm form, const ParameterLayout& layout, std::span<float> weights);

}  // namespace genkidama::run
