// Compares a task with continuous actions with Gymnasium's statistics and measures the cost of a step.
//
//   gymnasium_comparison TASK ORACLE.json EPISODES [--seed N] [--all]
//
// TASK is lunar-lander-continuous or bipedal-walker. One line a policy of the oracle file, then the figures
// that miss their tolerance (with --all: every figure).

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string>

#include "genkidama/core/error.h"
#include "genkidama/env/bipedal_walker.h"
#include "genkidama/env/lunar_lander.h"
#include "oracle_report.h"
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
  const genkidama::test::ProcessorTime time;
  const auto sample = genkidama::test::play_gymnasium(environment, policy, episodes, seed, gym);
  const double spent_us = time.microseconds();
  const auto rows = genkidama::test::GymnasiumComparison(gym, sample, {}).rows();
  const auto percent = [&](const char* end) { return 100.0 * sample.ends.at(end) / episodes; };
  const auto ends = fmt::format("negative/other/limit {:.1f}/{:.1f}/{:.1f} %", percent("terminated_negative"),
                                percent("terminated_other"), percent("truncated"));
  genkidama::test::print_comparison(policy, sample.returns, sample.lengths, ends, spent_us, rows, all);
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
