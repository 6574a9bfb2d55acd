// Compares LunarLander at given solver iterations with gym's statistics and measures the cost of a step.
//
//   lunar_lander_calibration ORACLE.json EPISODES [--all]
//   CONTACT_VELOCITY/CONTACT_POSITION/FLIGHT_VELOCITY/FLIGHT_POSITION...
//
// One block a schedule: a line per policy of the oracle file, then the figures that miss their tolerance
// (with --all: every figure).

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/env/lunar_lander.h"
#include "oracle_report.h"
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

void compare(const nlohmann::json& oracle, const LunarLanderIterations& iterations, int episodes, bool all) {
  const auto environment = genkidama::make_lunar_lander(iterations);
  for (const auto& policy : oracle) {
    const std::string name = policy.at("policy");
    const genkidama::test::ProcessorTime time;
    const auto sample =
        genkidama::test::play_lunar_lander(*environment, genkidama::test::LunarLanderPolicy(name), episodes,
                                           1, genkidama::test::oracle_steps(policy));
    const double spent_us = time.microseconds();
    const auto rows = genkidama::test::OracleComparison(policy, sample, {}).rows();
    const auto percent = [&rows](const char* end) { return 100 * find(rows, end); };
    const auto ends = fmt::format("crashed/rest/limit/left {:.1f}/{:.1f}/{:.1f}/{:.1f} %  contact {:.3f}",
                                  percent("crashed"), percent("came_to_rest"), percent("time_limit"),
                                  percent("left_the_screen"), find(rows, "steps with leg contact"));
    genkidama::test::print_comparison(name, sample.returns, sample.lengths, ends, spent_us, rows, all);
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
