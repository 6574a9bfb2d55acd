#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/run/sweep.h"

namespace genkidama::run {
namespace {

constexpr int kMostRepetitions = 1'000;
// Whole numbers that are exact as real ones, and printed in full.
constexpr double kLargestWhole = 1e15;

void check(const SweepRange& range) {
  const auto refuse = [&range](const std::string& what) {
    throw ArgumentError(fmt::format("the range of '{}' {}", range.option, what));
  };
  if (!range.choices.empty()) return;
  if (!std::isfinite(range.low) || !std::isfinite(range.high) || range.low > range.high) {
    refuse(fmt::format("is {} to {}; expected two numbers, the lower one first", range.low, range.high));
  }
  if (range.logarithmic && range.low <= 0) {
    refuse(fmt::format("begins at {} and is logarithmic; expected a beginning above 0", range.low));
  }
  if (!range.whole) return;
  if (std::floor(range.low) != range.low || std::floor(range.high) != range.high ||
      std::abs(range.low) > kLargestWhole || std::abs(range.high) > kLargestWhole) {
    refuse(
        fmt::format("is {} to {}; expected whole numbers of at most fifteen digits", range.low, range.high));
  }
}

double drawn_number(const SweepRange& range, Random& random) {
  // Each whole number has an interval of length 1, but for the rounding below.
  const double margin = range.whole ? 0.5 : 0;
  const double share = random.uniform();
  const double low = range.low - margin;
  const double high = range.high + margin;
  const double value = range.logarithmic ? std::exp(std::log(low) + share * (std::log(high) - std::log(low)))
                                         : low + share * (high - low);
  return std::clamp(range.whole ? std::round(value) : value, range.low, range.high);
}

std::string drawn(const SweepRange& range, Random& random) {
  if (!range.choices.empty()) return range.choices[random.below(range.choices.size())];
  const double value = drawn_number(range, random);
  if (range.whole) return fmt::format("{:.0f}", value + 0.0);  // no "-0"
  std::string text = fmt::format("{:.6g}", value);
  // Six digits may lie beyond an end that has more.
  double rounded = value;
  std::from_chars(text.data(), text.data() + text.size(), rounded);
  return rounded < range.low || rounded > range.high ? fmt::format("{}", value) : text;
}

std::vector<SweepPoint> shuffled(std::vector<SweepPoint> points, std::size_t count, Random& random) {
  count = std::min(count, points.size());
  for (std::size_t i = 0; i < count; ++i) std::swap(points[i], points[i + random.below(points.size() - i)]);
  points.resize(count);
  return points;
}

}  // namespace

std::vector<SweepPoint> sampled_points(const std::vector<SweepPoint>& points,
                                       const std::vector<SweepRange>& ranges, std::size_t trials,
                                       std::uint64_t seed) {
  for (const SweepRange& range : ranges) check(range);
  if (points.empty()) throw ArgumentError("a search draws from no points; expected at least one");
  Random random(seed);
  if (ranges.empty()) return shuffled(points, trials, random);
  std::vector<SweepPoint> sampled;
  std::set<std::string> names;
  for (int repetitions = 0; sampled.size() < trials && repetitions < kMostRepetitions;) {
    SweepPoint point = points[random.below(points.size())];
    for (const SweepRange& range : ranges) point.push_back({range.option, drawn(range, random)});
    const bool is_new = names.insert(setting_name(point)).second;
    repetitions = is_new ? 0 : repetitions + 1;
    if (is_new) sampled.push_back(std::move(point));
  }
  return sampled;
}

}  // namespace genkidama::run
