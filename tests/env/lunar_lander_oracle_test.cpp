#include "support/lunar_lander_oracle.h"
#include "genkidama/env/lunar_lander.h"
#include "support/catch.h"

namespace genkidama::test {
namespace {

void compare_all_policies(int episodes, const OracleTolerances& tolerances) {
  const nlohmann::json oracle = load_lunar_lander_oracle(GENKIDAMA_TEST_DATA "/gym_lunar_lander_oracle.json");
  REQUIRE(oracle.size() == 3);
  const auto environment = make_lunar_lander();
  for (const auto& gym : oracle) {
    const std::string name = gym.at("policy");
    const LunarLanderSample sample =
        play_lunar_lander(*environment, LunarLanderPolicy(name), episodes, 1, oracle_steps(gym));
    for (const OracleRow& row : OracleComparison(gym, sample, tolerances).rows()) {
      INFO(name << ", " << row.name << ": ours " << row.ours << ", gym " << row.gym << ", difference "
                << row.difference << ", tolerance " << row.tolerance);
      CHECK(row.agrees());
    }
  }
}

// 600 episodes fix a mean to about 0.05 standard deviations: the tolerances grow by two standard errors.
TEST_CASE("LunarLander's statistics are gym's under three policies") {
  OracleTolerances tolerances;
  tolerances.sampling_errors = 2;
  compare_all_policies(600, tolerances);
}

TEST_CASE("LunarLander's statistics are gym's within the plain tolerances", "[.][oracle-full]") {
  compare_all_policies(4000, OracleTolerances());
}

TEST_CASE("the comparison with gym notices another task") {
  const nlohmann::json oracle = load_lunar_lander_oracle(GENKIDAMA_TEST_DATA "/gym_lunar_lander_oracle.json");
  const auto environment = make_lunar_lander({6, 2, 6, 2});
  OracleTolerances tolerances;
  tolerances.sampling_errors = 2;
  int misses = 0;
  for (const auto& gym : oracle) {
    if (gym.at("policy") != "heuristic") continue;
    const LunarLanderSample sample =
        play_lunar_lander(*environment, LunarLanderPolicy("heuristic"), 300, 1, oracle_steps(gym));
    for (const OracleRow& row : OracleComparison(gym, sample, tolerances).rows())
      misses += row.agrees() ? 0 : 1;
  }
  CHECK(misses > 3);
}

}  // namespace
}  // namespace genkidama::test
