#include <algorithm>
#include <cmath>
#include <numeric>

#include "run/charts/ticks.h"
#include "run/evaluation/sample.h"
#include "run/report/comparison.h"
#include "run/report/curve_bins.h"

namespace genkidama::run {

SeedMean seed_mean(const std::vector<double>& values) {
  SeedMean result{values.size(), mean_of(values), {}};
  if (values.size() > 1) result.interval = bootstrap_mean_interval(values);
  return result;
}

StepsToThreshold steps_to_threshold(const std::vector<std::optional<double>>& reached) {
  std::vector<double> steps;
  for (const auto& value : reached) {
    if (value) steps.push_back(*value);
  }
  std::sort(steps.begin(), steps.end());
  StepsToThreshold result{steps.size(), reached.size(), {}, 0, 0};
  if (steps.empty()) return result;
  result.first = steps.front();
  result.last = steps.back();
  // Those that never did are behind all others.
  const std::size_t below = (reached.size() - 1) / 2, above = reached.size() / 2;
  if (above < steps.size()) result.median = std::midpoint(steps[below], steps[above]);
  return result;
}

std::vector<ChartPoint> mean_curve(std::vector<std::vector<ChartPoint>> curves) {
  std::erase_if(curves, [](const auto& curve) { return curve.empty(); });
  if (curves.size() == 1) {
    std::vector<ChartPoint> line;
    for (const ChartPoint& point : curves.front()) line.push_back({point.x, point.y});
    return line;
  }
  double begin = 0, end = kMostDrawn;
  for (const auto& curve : curves) {
    begin = std::max(begin, curve.front().x);
    end = std::min(end, curve.back().x);
  }
  std::vector<ChartPoint> line;
  if (curves.empty() || begin > end) return line;
  const int count = begin < end ? kChartPoints : 1;
  for (int i = 0; i < count; ++i) {
    ChartPoint& point = line.emplace_back();
    const double x = std::lerp(begin, end, count > 1 ? static_cast<double>(i) / (count - 1) : 0);
    std::vector<double> values;
    for (const auto& curve : curves) values.push_back(value_at(curve, x));
    const bool has_all = std::all_of(values.begin(), values.end(), is_drawable);
    point.x = x;
    point.y = has_all ? mean_of(values) : value_at({}, x);
    if (!has_all) continue;
    const Interval interval = bootstrap_mean_interval(values);
    point.low = interval.low;
    point.high = interval.high;
  }
  return line;
}

}  // namespace genkidama::run
