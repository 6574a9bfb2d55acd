#pragma once

// The gradient of a bias.

#include <cstddef>

#include "nn/dense_kernels.h"

namespace genkidama {

/// Overwrites `sums` [width] with the sums over `values` [rows, width]: the product with a row of ones.
inline void sum_rows(const DenseKernels& kernels, const float* values, std::size_t rows, std::size_t width,
                     float* sums) {
  constexpr float kOne = 1;
  kernels.multiply({.rows = 1,
                    .columns = width,
                    .depth = rows,
                    .a = &kOne,
                    .a_row = 0,
                    .a_depth = 0,
                    .b = values,
                    .b_row = width,
                    .c = sums});
}

}  // namespace genkidama
