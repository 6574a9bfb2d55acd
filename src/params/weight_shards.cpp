#include "genkidama/params/weight_shards.h"

#include <fmt/format.h>

#include "genkidama/core/error.h"

namespace genkidama {

WeightSlice weight_slice(std::size_t parameters, std::size_t number, std::size_t count) {
  if (count < 1 || count > kMostShards || count > parameters) {
    throw ArgumentError(fmt::format("{} slices of {} weights; expected 1 to {}, and no more than weights",
                                    count, parameters, kMostShards));
  }
  if (number < 1 || number > count)
    throw ArgumentError(fmt::format("slice {} of {}; expected 1 to {}", number, count, count));
  const auto border = [&](std::uint64_t behind) {
    return static_cast<std::size_t>(parameters * behind / count);
  };
  return {number, count, border(number - 1), border(number)};
}

}  // namespace genkidama
