#pragma once

// First weights of dense layers.

#include <cstddef>
#include <span>

#include "genkidama/core/random.h"

namespace genkidama {

/// N(0, deviation^2).
void fill_normal(std::span<float> weights, double deviation, Random& random);

/// A random matrix [rows, columns], row-major, whose shorter side's vectors are orthogonal and of length
/// `gain` (Saxe et al. 2014): the Q of a normal matrix, with the signs that make its R's diagonal positive,
/// for only then are all directions equally likely (Mezzadri 2007).
void fill_orthogonal(std::span<float> weights, std::size_t rows, std::size_t columns, double gain,
                     Random& random);

}  // namespace genkidama
