#include "run/search/rungs.h"

#include <fmt/format.h>

#include "genkidama/core/error.h"

namespace genkidama::run {
namespace {

constexpr int kRungsBelow = 3;  // of the longest, by default

std::uint64_t divided_up(std::uint64_t a, std::uint64_t b) {
  return a / b + (a % b == 0 ? 0 : 1);
}

}  // namespace

std::vector<std::uint64_t> rungs_of(std::uint64_t min_steps, std::uint64_t max_steps,
                                    std::uint64_t reduction) {
  if (reduction < 2) throw ArgumentError(fmt::format("reduction is {}; expected at least 2", reduction));
  if (max_steps < 1) throw ArgumentError("max_steps is 0; expected at least 1");
  if (min_steps > max_steps) {
    throw ArgumentError(
        fmt::format("min_steps is {}; expected at most max_steps, which is {}", min_steps, max_steps));
  }
  std::uint64_t steps = min_steps;
  if (steps == 0) {
    steps = max_steps;
    for (int i = 0; i < kRungsBelow; ++i) steps = divided_up(steps, reduction);
  }
  std::vector<std::uint64_t> rungs;
  while (steps < max_steps) {
    rungs.push_back(steps);
    if (steps > max_steps / reduction) break;  // the next one would be beyond, or not a number any more
    steps *= reduction;
  }
  rungs.push_back(max_steps);
  return rungs;
}

std::uint64_t steps_of_halving(const std::vector<std::uint64_t>& rungs, std::uint64_t reduction,
                               std::uint64_t trials) {
  std::uint64_t total = 0;
  std::uint64_t before = 0;
  for (const std::uint64_t steps : rungs) {
    total += trials * (steps - before);
    before = steps;
    trials /= reduction;
  }
  return total;
}

}  // namespace genkidama::run
