#pragma once

/// @file
/// Round numbers along an axis.

#include <string>
#include <vector>

namespace genkidama::run {

/// Larger numbers are drawn by nobody; their differences and sums would be infinite.
inline constexpr double kMostDrawn = 1e300;

/// Whether the value can be drawn: it is finite, and no larger than kMostDrawn.
bool is_drawable(double value);

/// Which values an axis shows.
struct AxisRange {
  double low = 0;
  double high = 1;
};

/// A range that holds both values and is not empty, however close they are.
AxisRange range_of(double low, double high);

/// Multiples of 1, 2 or 5 times a power of ten in the range, at most `most` (at least 2) of them.
std::vector<double> round_ticks(const AxisRange& range, int most);

/// What stands beside these ticks, all with the same digits: "0", "0.25", "200k", "1.5M", "2e+12".
std::vector<std::string> tick_texts(const std::vector<double>& ticks);

}  // namespace genkidama::run
