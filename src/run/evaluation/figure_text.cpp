#include "run/evaluation/figure_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "genkidama/core/is_finite.h"

namespace genkidama::run {
namespace {

// From 1e7 on, and for digits behind the seventh after the point, an exponent is easier to read.
constexpr int kMostDigits = 7;

constexpr double kLongest = 1e15;  // seconds, which a long long holds

// The power of ten of a figure's first digit.
int exponent_of(double value) {
  return static_cast<int>(std::floor(std::log10(std::abs(value))));
}

}  // namespace

std::string figure_text(double value, double error) {
  if (!is_finite(value) || !is_finite(error) || error <= 0) return fmt::format("{:.6g}", value);
  const int last = exponent_of(error) - 1;
  const int first = value != 0 ? exponent_of(value) : last;
  if (std::max(first, last + 1) < kMostDigits && last >= -kMostDigits) {
    return fmt::format("{:.{}f}", value, std::max(0, -last));
  }
  if (value == 0) return "0";
  return fmt::format("{:.{}e}", value, std::clamp(first - last, 1, kMostDigits));
}

std::string figure_text(double value) {
  if (!is_finite(value)) return fmt::format("{}", value);
  const int first = value != 0 ? exponent_of(value) : 0;
  if (first >= kMostDigits || first < -3) return fmt::format("{:.3e}", value);
  return fmt::format("{:.{}f}", value, value != 0 ? std::max(1, 3 - first) : 1);
}

std::string duration_text(double seconds) {
  const auto whole = seconds > 0 ? static_cast<long long>(std::min(seconds, kLongest)) : 0;
  if (whole >= 3600) return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
  if (whole >= 60) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}s", whole);
}

}  // namespace genkidama::run
