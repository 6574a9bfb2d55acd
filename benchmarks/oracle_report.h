#pragma once

// What the comparisons with gym's statistics print alike.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <numeric>
#include <string>
#include <vector>

#include "support/oracle_comparison.h"
#include "support/sample_statistics.h"

namespace genkidama::test {

/// Processor time since it was made: what else runs on the machine must not count.
class ProcessorTime {
 public:
  double microseconds() const { return 1e6 * static_cast<double>(std::clock() - start_) / CLOCKS_PER_SEC; }

 private:
  std::clock_t start_ = std::clock();
};

/// One line for a policy, and a line for each figure that misses its tolerance, or with `all` for each
/// figure. `ends` tells how its episodes ended.
inline void print_comparison(const std::string& policy, const std::vector<double>& returns,
                             const std::vector<double>& lengths, const std::string& ends, double spent_us,
                             const std::vector<OracleRow>& rows, bool all) {
  const Moments of_returns = moments(returns), of_lengths = moments(lengths);
  const double steps = std::accumulate(lengths.begin(), lengths.end(), 0.0);
  double worst = 0;
  for (const OracleRow& row : rows) worst = std::max(worst, std::abs(row.difference) / row.tolerance);
  fmt::print(
      "  {:<16} return {:.1f} ({:.1f})  length {:.1f} ({:.1f})  {}  {:.2f} us/step  worst/tolerance {:.2f}\n",
      policy, of_returns.mean, of_returns.deviation, of_lengths.mean, of_lengths.deviation, ends,
      spent_us / steps, worst);
  for (const OracleRow& row : rows) {
    if (!all && row.agrees()) continue;
    fmt::print("    {:<4} {:<36} ours {:>9.4f}  gym {:>9.4f}  difference {:>8.4f}  tolerance {:.4f}\n",
               row.agrees() ? "ok" : "MISS", row.name, row.ours, row.gym, row.difference, row.tolerance);
  }
  std::fflush(stdout);
}

}  // namespace genkidama::test
