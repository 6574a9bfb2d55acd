#pragma once

// The product of two matrices. Each element of the result is summed up in the order of the depth, whatever
// the tile it lies in, so width and shape of the tiles change no bit.

#include <algorithm>
#include <cstddef>

#include "nn/dense_kernels.h"
#include "nn/lanes.h"

namespace genkidama {

/// kRows x (kWidth kVectors) elements of c, held in registers over the whole depth.
template <std::size_t kWidth, int kRows, int kVectors>
GENKIDAMA_INLINE void multiply_tile(const MatrixProduct& p, std::size_t row, std::size_t column) {
  using Lanes = FloatLanes<kWidth>;
  Lanes sum[kRows][kVectors];
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) {
    Lanes start = {};
    if (p.bias) load(p.bias + column + kWidth * v, start);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) sum[r][v] = start;
  }
  const float* a = p.a + row * p.a_row;
  const float* b = p.b + column;
  for (std::size_t k = 0; k < p.depth; ++k) {
    Lanes right[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) load(b + kWidth * v, right[v]);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const float left = a[static_cast<std::size_t>(r) * p.a_row];
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sum[r][v] += left * right[v];
    }
    a += p.a_depth;
    b += p.b_row;
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    float* c = p.c + (row + static_cast<std::size_t>(r)) * p.columns + column;
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) store(c + kWidth * v, sum[r][v]);
  }
}

/// The rows from `row` on, as many at once as there are.
template <std::size_t kWidth, int kRows, int kVectors>
GENKIDAMA_INLINE void multiply_panel(const MatrixProduct& p, std::size_t row, std::size_t column) {
  for (; row + kRows <= p.rows; row += kRows) multiply_tile<kWidth, kRows, kVectors>(p, row, column);
  if constexpr (kRows > 1) multiply_panel<kWidth, kRows / 2, kVectors>(p, row, column);
}

/// Panels as long as there are enough columns, and the first column that is left over.
template <std::size_t kWidth, int kRows, int kVectors>
GENKIDAMA_INLINE std::size_t multiply_panels(const MatrixProduct& p, std::size_t column) {
  constexpr std::size_t kColumns = kWidth * kVectors;
  for (; column + kColumns <= p.columns; column += kColumns) {
    multiply_panel<kWidth, kRows, kVectors>(p, 0, column);
  }
  return column;
}

/// Fewer than eight columns, of which there are many: a head's outputs, or the observations of a small task.
GENKIDAMA_INLINE void multiply_narrow_panel(const MatrixProduct& p, std::size_t column) {
  const std::size_t width = p.columns - column;
  for (std::size_t row = 0; row < p.rows; ++row) {
    float sum[8] = {};
    for (std::size_t j = 0; j < width; ++j) sum[j] = p.bias ? p.bias[column + j] : 0;
    const float* a = p.a + row * p.a_row;
    const float* b = p.b + column;
    for (std::size_t k = 0; k < p.depth; ++k) {
      const float left = a[k * p.a_depth];
      for (std::size_t j = 0; j < width; ++j) sum[j] += left * b[j];
      b += p.b_row;
    }
    std::copy_n(sum, width, p.c + row * p.columns + column);
  }
}

/// Tiles for sixteen registers, each of which takes four or eight lanes.
template <std::size_t kWidth>
GENKIDAMA_INLINE void multiply_with_16_registers(const MatrixProduct& p) {
  std::size_t column = multiply_panels<kWidth, 6, 2>(p, 0);
  column = multiply_panels<kWidth, 8, 1>(p, column);
  if (column < p.columns) multiply_narrow_panel(p, column);
}

/// Tiles for 32 registers of sixteen lanes, and the lower half of each for a rest of eight columns.
GENKIDAMA_INLINE void multiply_with_32_registers(const MatrixProduct& p) {
  std::size_t column = multiply_panels<16, 4, 4>(p, 0);
  column = multiply_panels<16, 8, 2>(p, column);
  column = multiply_panels<16, 8, 1>(p, column);
  column = multiply_panels<8, 8, 1>(p, column);
  if (column < p.columns) multiply_narrow_panel(p, column);
}

}  // namespace genkidama
