#pragma once

// The transpose of a matrix, four rows and four columns at a time.

#include <cstddef>

#include "nn/lanes.h"

namespace genkidama {

/// out[c * out_row + r] = in[r * columns + c], for `rows` x `columns` floats. `out_row` is at least `rows`.
inline void transpose(const float* in, std::size_t rows, std::size_t columns, float* out,
                      std::size_t out_row) {
  using Lanes = FloatLanes<4>;
  const std::size_t whole_rows = rows - rows % 4, whole_columns = columns - columns % 4;
  for (std::size_t r = 0; r < whole_rows; r += 4) {
    for (std::size_t c = 0; c < whole_columns; c += 4) {
      const float* from = in + r * columns + c;
      Lanes a, b, d, e;
      load(from, a);
      load(from + columns, b);
      load(from + 2 * columns, d);
      load(from + 3 * columns, e);
      const Lanes ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
      const Lanes ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
      const Lanes de_low = __builtin_shufflevector(d, e, 0, 4, 1, 5);
      const Lanes de_high = __builtin_shufflevector(d, e, 2, 6, 3, 7);
      float* to = out + c * out_row + r;
      store(to, __builtin_shufflevector(ab_low, de_low, 0, 1, 4, 5));
      store(to + out_row, __builtin_shufflevector(ab_low, de_low, 2, 3, 6, 7));
      store(to + 2 * out_row, __builtin_shufflevector(ab_high, de_high, 0, 1, 4, 5));
      store(to + 3 * out_row, __builtin_shufflevector(ab_high, de_high, 2, 3, 6, 7));
    }
    for (std::size_t c = whole_columns; c < columns; ++c) {
      for (std::size_t i = r; i < r + 4; ++i) out[c * out_row + i] = in[i * columns + c];
    }
  }
  for (std::size_t r = whole_rows; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) out[c * out_row + r] = in[r * columns + c];
  }
}

}  // namespace genkidama
