#include "run/charts/ticks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "genkidama/core/is_finite.h"

namespace genkidama::run {
namespace {

// Below, a digit more of each number would be needed than a double has.
constexpr double kNarrowest = 1e-9;

struct Unit {
  double size;
  const char* name;
};

double size_of(const AxisRange& range) {
  return std::max(std::abs(range.low), std::abs(range.high));
}

Unit unit_of(double largest, double step) {
  if (largest >= 1e6 && largest < 1e9 && step >= 1e5) return {1e6, "M"};
  if (largest >= 1e4 && largest < 1e9 && step >= 1e2) return {1e3, "k"};
  return {1, ""};
}

}  // namespace

bool is_drawable(double value) {
  return is_finite(value) && std::abs(value) <= kMostDrawn;
}

AxisRange range_of(double low, double high) {
  const AxisRange range{std::min(low, high), std::max(low, high)};
  const double size = size_of(range);
  if (range.high - range.low > size * kNarrowest) return range;
  const double margin = size > 0 ? std::max(size * 0.05, 1e-300) : 1;
  return {range.low - margin, range.high + margin};
}

std::vector<double> round_ticks(const AxisRange& range, int most) {
  const double rough = (range.high - range.low) / std::max(1, most - 1);
  if (!(rough > 0)) return {};
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * (1 - kNarrowest)) {
      step = factor * power;
      break;
    }
  }
  const double first = std::ceil(range.low / step - kNarrowest);
  const double last = std::floor(range.high / step + kNarrowest);
  std::vector<double> ticks;
  for (double number = first; number <= last && ticks.size() < static_cast<std::size_t>(most); number += 1) {
    ticks.push_back(number == 0 ? 0.0 : number * step);
  }
  return ticks;
}

std::vector<std::string> tick_texts(const std::vector<double>& ticks) {
  double largest = 0;
  for (const double tick : ticks) largest = std::max(largest, std::abs(tick));
  const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : std::max(largest, 1e-300);
  const bool is_extreme = largest >= 1e9 || step < 1e-5;
  const Unit unit = unit_of(largest, step);
  const int digits = std::clamp(-static_cast<int>(std::floor(std::log10(step / unit.size) + 1e-6)), 0, 9);
  std::vector<std::string> texts;
  for (const double tick : ticks) {
    if (is_extreme) {
      texts.push_back(fmt::format("{:.4g}", tick));
    } else {
      texts.push_back(tick == 0 ? "0" : fmt::format("{:.{}f}{}", tick / unit.size, digits, unit.name));
    }
  }
  return texts;
}

}  // namespace genkidama::run
