#include "run/report/curve_bins.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "run/charts/ticks.h"

namespace genkidama::run {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Of two means, without their sums, which might be infinite.
double joined(double first, std::uint64_t first_count, double second, std::uint64_t second_count) {
  const double share = static_cast<double>(second_count) / static_cast<double>(first_count + second_count);
  return first * (1 - share) + second * share;
}

}  // namespace

void CurveBins::Bin::add(const Bin& other) {
  const std::uint64_t all = values + gaps, others = other.values + other.gaps;
  if (others == 0) return;
  x = joined(x, all, other.x, others);
  if (other.values > 0) {
    low = values > 0 ? std::min(low, other.low) : other.low;
    high = values > 0 ? std::max(high, other.high) : other.high;
    y = joined(y, values, other.y, other.values);
  }
  values += other.values;
  gaps += other.gaps;
}

void CurveBins::add(double x, double y) {
  const bool has_place = is_drawable(x) && x >= 0, has_value = is_drawable(y);
  if (!has_place || !has_value) ++not_drawn_;
  if (!has_place) return;
  const Bin value = has_value ? Bin{1, 0, x, y, y, y} : Bin{0, 1, x, 0, 0, 0};
  if (width_ == 0) {
    bins_.push_back(value);
    if (bins_.size() > kMost) put_into_bins();
    return;
  }
  while (x / width_ >= static_cast<double>(kMost)) merge_pairs();
  bins_[number_of(x)].add(value);
}

std::size_t CurveBins::number_of(double x) const {
  return std::min(kMost - 1, static_cast<std::size_t>(x / width_));
}

void CurveBins::put_into_bins() {
  double end = 0;
  for (const Bin& bin : bins_) end = std::max(end, bin.x);
  // All of them at 0 are one bin, of any width.
  width_ = end > 0 ? end / (kMost - 1) : 1;
  const std::vector<Bin> values(kMost);
  const std::vector<Bin> old = std::exchange(bins_, values);
  for (const Bin& bin : old) bins_[number_of(bin.x)].add(bin);
}

void CurveBins::merge_pairs() {
  for (std::size_t i = 0; i < kMost / 2; ++i) {
    Bin pair = bins_[2 * i];
    pair.add(bins_[2 * i + 1]);
    bins_[i] = pair;
  }
  std::fill(bins_.begin() + kMost / 2, bins_.end(), Bin());
  width_ *= 2;
}

std::vector<ChartPoint> CurveBins::points() const {
  std::vector<ChartPoint> points;
  for (const Bin& bin : bins_) {
    if (bin.values > 0) {
      points.push_back({bin.x, bin.y, bin.low, bin.high});
    } else if (bin.gaps > 0) {
      points.push_back({bin.x, kNaN, kNaN, kNaN});
    }
  }
  // A table that somebody has changed may go back.
  std::stable_sort(points.begin(), points.end(),
                   [](const ChartPoint& left, const ChartPoint& right) { return left.x < right.x; });
  return points;
}

double value_at(const std::vector<ChartPoint>& points, double x) {
  const auto right = std::lower_bound(points.begin(), points.end(), x,
                                      [](const ChartPoint& point, double place) { return point.x < place; });
  if (right == points.end()) return kNaN;
  if (right->x <= x) return right->y;
  if (right == points.begin()) return kNaN;
  const ChartPoint& left = *std::prev(right);
  // std::lerp() may take a NaN for the other end's value.
  return left.y + (right->y - left.y) * ((x - left.x) / (right->x - left.x));
}

}  // namespace genkidama::run
