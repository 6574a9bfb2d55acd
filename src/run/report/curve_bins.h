#pragma once

/// @file
/// A curve of any number of values in the memory of a picture.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "run/charts/line_chart.h"

namespace genkidama::run {

/// Takes the values of a curve one by one. Up to kMost of them are kept as they are. Of more, the values
/// within a width are one point: their mean, with a band from the least to the greatest of them; the width
/// doubles as the curve gets longer.
class CurveBins {
 public:
  static constexpr std::size_t kMost = 2 * kChartPoints;

  /// A value that cannot be drawn makes a gap, unless others near it can. An `x` below 0, or one that cannot
  /// be drawn, is left out.
  void add(double x, double y);

  /// From left to right.
  std::vector<ChartPoint> points() const;
  std::uint64_t not_drawn() const { return not_drawn_; }  ///< values that cannot be drawn, or have no place

 private:
  struct Bin {
    std::uint64_t values = 0;
    std::uint64_t gaps = 0;
    double x = 0;  ///< means
    double y = 0;
    double low = 0;
    double high = 0;

    void add(const Bin& other);
  };

  void merge_pairs();
  void put_into_bins();
  std::size_t number_of(double x) const;

  std::vector<Bin> bins_;
  double width_ = 0;  ///< of a bin; 0: each bin is a value
  std::uint64_t not_drawn_ = 0;
};

/// The curve at `x`, between its points linearly; NaN where it has none: outside of its ends, and beside a
/// gap. `points` are from left to right.
double value_at(const std::vector<ChartPoint>& points, double x);

}  // namespace genkidama::run
