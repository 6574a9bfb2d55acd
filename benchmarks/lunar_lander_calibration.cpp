// Compares LunarLander at given solver iterations with gym's statistics and measures the cost of a step.
//
//   lunar_lander_calibration ORACLE.json EPISODES [--all]
//   CONTACT_VELOCITY/CONTACT_POSITION/FLIGHT_VELOCITY/FLIGHT_POSITION...
//
// One block a schedule: a line per policy of the oracle file, then the figures that miss their tolerance
// (with
// --all: every figure).

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <exception>
#include <numeric>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/env/lunar_lander.h"
#include "support/lunar_lander_oracle.h"

namespace {

using genkidama::LunarLanderIterations;
using genkidama::test::OracleRow;

LunarLanderIterations parse_iterations(const std::string& text) {
  LunarLanderIterations it{};
  char rest = 0;
  if (std::sscanf(text.c_str(), "%d/%d/%d/%d%c", &it.contact_velocity, &it.contact_position,
                  &it.flight_velocity, &it.flight_position, &rest) != 4) {
    throw genkidama::ArgumentError("schedule '" + text +
                                   "' given, expected four counts such as 180/60/30/10");
  }
  return it;
}

double find(const std::vector<OracleRow>& rows, const std::string& name) {
  for (const OracleRow& row : rows) {
    if (row.name == name) return row.ours;
  }
  return 0;
}

void print_row(const OracleRow& row) {
  fmt::print("    {:<4} {:<36} ours {:>9.4f}  gym {:>9.4f}  difference {:>8.4f}  tolerance {:.4f}\n",
             row.agrees() ? "ok" : "MISS", row.name, row.ours, row.gym, row.difference, row.tolerance);
}

void compare(const nlohmann::json& oracle, const LunarLanderIterations& iterations, int episodes, bool all) {
  const auto environment = genkidama::make_lunar_lander(iterations);
  for (const auto& policy : oracle) {
    const std::string name = policy.at("policy");
    const std::clock_t start = std::clock();
    const auto sample =
        genkidama::test::play_lunar_lander(*environment, genkidama::test::LunarLanderPolicy(name), episodes,
                                           1, genkidama::test::oracle_steps(policy));
    // Processor time: what else runs on the machine must not count.
    const double spent_us = 1e6 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    const auto rows = genkidama::test::OracleComparison(policy, sample, {}).rows();
    const auto returns = genkidama::test::moments(sample.returns);
    const auto lengths = genkidama::test::moments(sample.lengths);
    const double steps = std::accumulate(sample.lengths.begin(), sample.lengths.end(), 0.0);
    double worst = 0;
    for (const OracleRow& row : rows) worst = std::max(worst, std::abs(row.difference) / row.tolerance);
    fmt::print(
        "  {:<16} return {:.1f} ({:.1f})  length {:.1f} ({:.1f})  crashed/rest/limit/left "
        "{:.1f}/{:.1f}/{:.1f}/{:.1f} %  "
        "contact {:.3f}  {:.2f} us/step  worst/tolerance {:.2f}\n",
        name, returns.mean, returns.deviation, lengths.mean, lengths.deviation, 100 * find(rows, "crashed"),
        100 * find(rows, "came_to_rest"), 100 * find(rows, "time_limit"), 100 * find(rows, "left_the_screen"),
        find(rows, "steps with leg contact"), spent_us / steps, worst);
    for (const OracleRow& row : rows) {
      if (all || !row.agrees()) print_row(row);
    }
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 4) throw genkidama::ArgumentError("expected ORACLE.json EPISODES [--all] SCHEDULE...");
    const auto oracle = genkidama::test::load_lunar_lander_oracle(argv[1]);
    const int episodes = std::stoi(argv[2]);
    bool all = false;
    for (int i = 3; i < argc; ++i) {
      if (std::string(argv[i]) == "--all") {
        all = true;
        continue;
      }
      fmt::print("{}\n", argv[i]);
      compare(oracle, parse_iterations(argv[i]), episodes, all);
    }
    return 0;
  } catch (const genkidama::ArgumentError& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
