#include "run/run_limits.h"

#include <algorithm>

namespace genkidama::run {

std::optional<double> share_of_run(const RunOptions& options, std::uint64_t updates, std::uint64_t steps) {
  if (!options.updates && !options.max_steps) return {};
  const auto share = [](std::uint64_t done, std::optional<std::uint64_t> all) {
    return all ? static_cast<double>(done) / static_cast<double>(*all) : 0;
  };
  return std::min(1.0, std::max(share(updates, options.updates), share(steps, options.max_steps)));
}

std::optional<std::string> reached_limit(const RunOptions& options, const RunTotals& totals) {
  if (options.updates && totals.updates >= *options.updates) return "updates";
  if (options.max_steps && totals.in_run.steps >= *options.max_steps) return "max_steps";
  return {};
}

}  // namespace genkidama::run
