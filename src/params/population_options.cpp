#include "genkidama/params/population_options.h"

#include <fmt/format.h>

#include <set>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"

namespace genkidama {
namespace {

void check_explored(const ExploredHyperparameter& each) {
  const auto refuse = [&each](const char* expected) {
    throw ArgumentError(
        fmt::format("'{}' is explored from {} to {}; expected {}", each.name, each.low, each.high, expected));
  };
  if (!is_finite(each.low) || !is_finite(each.high) || each.low >= each.high)
    refuse("two numbers, the lower one first");
  if (each.logarithmic && each.low <= 0)
    refuse("a beginning above 0 where values are drawn by their logarithm");
}

}  // namespace

void PopulationOptions::check() const {
  if (explored.empty() || explored.size() > kMostExplored) {
    throw ArgumentError(fmt::format("a population explores {} hyperparameters; expected 1 to {}",
                                    explored.size(), kMostExplored));
  }
  std::set<std::string> names;
  for (const ExploredHyperparameter& each : explored) {
    check_explored(each);
    if (!names.insert(each.name).second)
      throw ArgumentError(fmt::format("'{}' is explored twice; expected each name once", each.name));
  }
  if (ready_steps < 1) throw ArgumentError("ready_steps of a population is 0; expected at least 1");
  if (!is_finite(share) || share <= 0 || share > 0.5) {
    throw ArgumentError(
        fmt::format("the share of a population that is copied is {}; expected a number in (0, 0.5]", share));
  }
  if (!is_finite(resample) || resample < 0 || resample > 1) {
    throw ArgumentError(
        fmt::format("the chance to draw a value anew is {}; expected a number in [0, 1]", resample));
  }
}

}  // namespace genkidama
