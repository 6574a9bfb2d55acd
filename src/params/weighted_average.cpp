#include "genkidama/params/weighted_average.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "genkidama/core/error.h"

namespace genkidama {
namespace {

constexpr std::uint32_t kExponentBits = 0x7f800000u;

// Works on the bits so that the loop vectorises and no compiler flag about finite arithmetic can remove it.
bool all_finite(std::span<const float> block) {
  std::uint32_t found = 0;
  for (const float value : block) {
    found |=
        static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(value) & kExponentBits) == kExponentBits);
  }
  return found == 0;
}

}  // namespace

std::size_t first_non_finite(std::span<const float> weights) {
  // A loop that can stop at any element does not vectorise; one that can stop at any block does.
  constexpr std::size_t kBlock = 1024;
  for (std::size_t start = 0; start < weights.size(); start += kBlock) {
    const auto block = weights.subspan(start, std::min(kBlock, weights.size() - start));
    if (all_finite(block)) continue;
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (!all_finite(block.subspan(i, 1))) return start + i;
    }
  }
  return weights.size();
}

void check_mixing_weight(double value, const char* name) {
  // Written so that NaN fails.
  if (!(value >= 0.0 && value <= 1.0)) {
    throw ArgumentError(fmt::format("{} is {}; give a number from 0 to 1", name, value));
  }
}

double euclidean_norm(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += double{value} * double{value};
  return std::sqrt(sum);
}

void weighted_average(std::span<float> into, std::span<const float> other, double weight) {
  check_mixing_weight(weight, "weight");
  if (into.size() != other.size()) {
    throw ArgumentError(fmt::format("cannot average {} weights with {}: both must come from the same network",
                                    into.size(), other.size()));
  }
  if (const std::size_t bad = first_non_finite(other); bad != other.size()) {
    throw ArgumentError(fmt::format(
        "cannot average: element {} of the other weights is {}, not a finite number", bad, other[bad]));
  }
  // The formula alone would turn -0 into 0.
  if (weight == 0.0) return;
  if (weight == 1.0) {
    std::copy(other.begin(), other.end(), into.begin());
    return;
  }
  const float keep = static_cast<float>(1.0 - weight);
  const float take = static_cast<float>(weight);
  const std::size_t size = into.size();
  float* const to = into.data();
  const float* const from = other.data();
  for (std::size_t i = 0; i < size; ++i) to[i] = keep * to[i] + take * from[i];
}

}  // namespace genkidama
