#pragma once

// The gradient of a bias.

#include <algorithm>
#include <cstddef>

namespace genkidama {

/// Overwrites `sums` [width] with the sums over `values` [rows, width].
inline void sum_rows(const float* values, std::size_t rows, std::size_t width, float* sums) {
  std::fill_n(sums, width, 0.0f);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t j = 0; j < width; ++j) sums[j] += values[row * width + j];
  }
}

}  // namespace genkidama
