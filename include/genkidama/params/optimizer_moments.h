#pragma once

/// @file
/// What an optimizer remembers of the gradients, such as Adam's moments, where machines average it together
/// with the weights.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/params/saveable.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How many moments there are, and which of them are means of squares. Machines average their moments only
/// when their shapes are equal.
struct MomentsShape {
  std::size_t size = 0;  ///< how many numbers there are; 0: the optimizer remembers nothing
  /// The numbers from here to `squares_end` are means of squares, which are never negative.
  std::size_t squares_begin = 0;
  std::size_t squares_end = 0;  ///< as above; at most `size`

  /// Compares field by field.
  friend bool operator==(const MomentsShape&, const MomentsShape&) = default;
};

/// The moments of one machine, or the mean of those of several.
struct OptimizerMoments {
  /// The optimizer steps that the moments are of: Adam corrects their bias by it. 0: there are none yet.
  std::uint64_t steps = 0;
  std::vector<float> values;  ///< as many as the shape says

  /// Compares all numbers.
  friend bool operator==(const OptimizerMoments&, const OptimizerMoments&) = default;
};

/// Why these values are no moments of this shape: another number of them, one that is not finite, or a mean
/// of squares below 0. Empty: they are.
std::string moments_fault(const MomentsShape& shape, std::span<const float> values);

/// Moments of one machine with what they count for in a mean.
struct WeightedMoments {
  std::span<const float> values;  ///< of the shape that is averaged
  std::uint64_t steps = 0;        ///< OptimizerMoments::steps
  double weight = 0;              ///< the share in the mean, >= 0
};

/// The mean of several machines' moments, which outlives the process as a Saveable. The class is not
/// synchronised.
class AveragedMoments : public Saveable {
 public:
  /// What the moments are of; of size 0 before begin().
  const MomentsShape& shape() const { return shape_; }
  /// The mean of the last average(); its steps are 0 before the first one.
  const OptimizerMoments& mean() const { return mean_; }

  /// Begins with moments of this shape, and without any yet. Throws ArgumentError for a shape whose squares
  /// lie beyond its end.
  void begin(const MomentsShape& shape);

  /// Replaces the mean, element by element and summed in double precision in the order that is given, by
  ///
  ///     sum of weight_k values_k / sum of weight_k
  ///
  /// and its steps by the greatest of theirs. Moments of 0 steps do not count. When all weights are 0 they
  /// count as 1. A mean of squares stays one: it is never negative. Throws ArgumentError, with nothing
  /// changed, for another number of values and for a weight out of range.
  void average(std::span<const WeightedMoments> all);

  /// Writes the shape and the mean; nothing before the first average().
  void save(StateWriter& state) const override;
  /// Goes on from a mean, of whatever shape; from none when the state has none. Throws FormatError for fields
  /// that are damaged.
  void restore(const StateReader& state) override;

 private:
  MomentsShape shape_;
  OptimizerMoments mean_;
};

}  // namespace genkidama
