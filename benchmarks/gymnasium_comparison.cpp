// Compares a task with continuous actions with Gymnasium's statistics and measures the cost of a step.
//
//   gymnasium_comparison TASK ORACLE.json EPISODES [--seed N] [--all]
//
// TASK is lunar-lander-continuous or bipedal-walker. One line a policy of the oracle file, then the figures
// that miss their tolerance (with --all: every figure).

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <exception>
#include <numeric>
#include <string>

#include "genkidama/core/error.h"
#include "genkidama/env/bipedal_walker.h"
#include "genkidama/env/lunar_lander.h"
#include "support/gymnasium_oracle.h"

namespace {

std::unique_ptr<genkidama::Environment> make(const std::string& task) {
  if (task == "lunar-lander-continuous") return genkidama::make_lunar_lander_continuous();
  if (task == "bipedal-walker") return genkidama::make_bipedal_walker();
  throw genkidama::ArgumentError("task '" + task +
                                 "' given, expected lunar-lander-continuous or bipedal-walker");
}

void compare(genkidama::Environment& environment, const std::string& policy, const nlohmann::json& gym,
             int episodes, std::uint64_t seed, bool all) {
  const std::clock_t start = std::clock();
  const auto sample = genkidama::test::play_gymnasium(environment, policy, episodes, seed, gym);
  // Processor time: what else runs on the machine must not count.
  const double spent_us = 1e6 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  const auto rows = genkidama::test::GymnasiumComparison(gym, sample, {}).rows();
  const auto returns = genkidama::test::moments(sample.returns);
  const auto lengths = genkidama::test::moments(sample.lengths);
  const double steps = std::accumulate(sample.lengths.begin(), sample.lengths.end(), 0.0);
  double worst = 0;
  for (const auto& row : rows) worst = std::max(worst, std::abs(row.difference) / row.tolerance);
  const auto percent = [&](const char* end) { return 100.0 * sample.ends.at(end) / episodes; };
  fmt::print(
      "{:<10} return {:.1f} ({:.1f})  length {:.1f} ({:.1f})  negative/other/limit {:.1f}/{:.1f}/{:.1f} %  "
      "{:.2f} us/step  worst/tolerance {:.2f}\n",
      policy, returns.mean, returns.deviation, lengths.mean, lengths.deviation,
      percent("terminated_negative"), percent("terminated_other"), percent("truncated"), spent_us / steps,
      worst);
  for (const auto& row : rows) {
    if (!all && row.agrees()) continue;
    fmt::print("    {:<4} {:<36} ours {:>9.4f}  gym {:>9.4f}  difference {:>8.4f}  tolerance {:.4f}\n",
               row.agrees() ? "ok" : "MISS", row.name, row.ours, row.gym, row.difference, row.tolerance);
  }
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 4) throw genkidama::ArgumentError("expected TASK ORACLE.json EPISODES [--seed N] [--all]");
    const auto environment = make(argv[1]);
    const auto oracle = genkidama::test::load_gymnasium_oracle(argv[2]);
    const int episodes = std::stoi(argv[3]);
    std::uint64_t seed = 1;
    bool all = false;
    for (int i = 4; i < argc; ++i) {
      const std::string option = argv[i];
      if (option == "--all") {
        all = true;
      } else if (option == "--seed" && i + 1 < argc) {
        seed = std::stoull(argv[++i]);
      } else {
        throw genkidama::ArgumentError("option '" + option + "' given, expected --seed N or --all");
      }
    }
    for (const auto& item : oracle.items()) {
      compare(*environment, item.key(), item.value(), episodes, seed, all);
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
