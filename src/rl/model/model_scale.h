#pragma once

// The units of what a world model sees and predicts, so that a task's own units do not matter.

#include <cstddef>
#include <span>
#include <vector>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Running mean and deviation of each column of some rows, in floats that all workers share. A row counts as
/// much as all earlier ones did on average, and at least as one of 10,000, so old rows are forgotten. Workers
/// may count at once: a row is then lost at times.
class ModelScale {
 public:
  /// The floats of shared state.
  static constexpr std::size_t shared_size(std::size_t columns) { return 1 + 2 * columns; }

  /// `shared` has shared_size() floats, which are 0 at first, and outlives the object.
  ModelScale(std::span<float> shared, std::size_t columns);

  /// Counts a row, and reads the shared floats.
  void count(std::span<const float> row);
  /// Reads what all workers have counted.
  void read();

  float mean(std::size_t column) const { return means_[column]; }
  float deviation(std::size_t column) const { return deviations_[column]; }
  /// (value - mean) / deviation, cut to +-limit; 0 in a column that never changed.
  float to_unit(std::size_t column, float value, float limit) const;
  float from_unit(std::size_t column, float unit) const {
    return means_[column] + deviations_[column] * unit;
  }

 private:
  std::span<float> shared_;  ///< the count, all means, all variances
  std::vector<float> means_, deviations_;
};

}  // namespace genkidama
