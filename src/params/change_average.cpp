#include "genkidama/params/change_average.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"

namespace genkidama {
namespace {

void check(std::span<const WeightedChange> changes, std::span<float> mean) {
  if (changes.empty()) throw ArgumentError("there are no changes to average; give at least one");
  for (const WeightedChange& each : changes) {
    if (each.change.size() != mean.size()) {
      throw ArgumentError(
          fmt::format("a change has {} elements; the mean has {}, and each change needs as many",
                      each.change.size(), mean.size()));
    }
    if (!is_finite(each.weight) || each.weight < 0) {
      throw ArgumentError(
          fmt::format("the weight of a change is {}; give a number of at least 0", each.weight));
    }
    if (!is_finite(each.discount) || each.discount < 0 || each.discount > 1) {
      throw ArgumentError(
          fmt::format("the discount of a change is {}; give a number in [0, 1]", each.discount));
    }
  }
}

}  // namespace

double staleness_discount(std::uint64_t staleness) {
  return 1 / std::sqrt(1 + static_cast<double>(staleness));
}

void average_changes(std::span<const WeightedChange> changes, std::span<float> mean) {
  check(changes, mean);
  double total = 0;
  for (const WeightedChange& each : changes) total += each.weight;
  const bool is_weighted = total > 0;
  if (!is_weighted) total = static_cast<double>(changes.size());
  // In blocks, so that the sums stay in the first cache and the loops over elements are vectorised.
  constexpr std::size_t kBlock = 512;
  std::array<double, kBlock> sums;
  for (std::size_t begin = 0; begin < mean.size(); begin += kBlock) {
    const std::size_t count = std::min(kBlock, mean.size() - begin);
    std::fill_n(sums.begin(), count, 0.0);
    for (const WeightedChange& each : changes) {
      const double factor = (is_weighted ? each.weight / total : 1 / total) * each.discount;
      const float* const change = each.change.data() + begin;
      for (std::size_t i = 0; i < count; ++i) sums[i] += factor * static_cast<double>(change[i]);
    }
    for (std::size_t i = 0; i < count; ++i) mean[begin + i] = static_cast<float>(sums[i]);
  }
}

}  // namespace genkidama
