#include "support/gymnasium_oracle.h"

#include <algorithm>

#include "genkidama/env/bipedal_walker.h"
#include "genkidama/env/lunar_lander.h"
#include "support/catch.h"

namespace genkidama::test {
namespace {

const char* const kLanderOracle = GENKIDAMA_TEST_DATA "/gymnasium_lunar_lander_continuous_oracle.json";
const char* const kWalkerOracle = GENKIDAMA_TEST_DATA "/gymnasium_bipedal_walker_oracle.json";

OracleTolerances widened() {
  OracleTolerances tolerances;
  tolerances.sampling_errors = 2.5;
  return tolerances;
}

std::vector<OracleRow> compare(Environment& environment, const std::string& path, const std::string& policy,
                               int episodes, const OracleTolerances& tolerances) {
  const nlohmann::json oracle = load_gymnasium_oracle(path).at(policy);
  const GymnasiumSample sample = play_gymnasium(environment, policy, episodes, 1, oracle);
  return GymnasiumComparison(oracle, sample, tolerances).rows();
}

void check(const std::vector<OracleRow>& rows, const std::string& policy) {
  CHECK(rows.size() > 20);
  for (const OracleRow& row : rows) {
    INFO(policy << ", " << row.name << ": ours " << row.ours << ", Gymnasium " << row.gym << ", difference "
                << row.difference << ", tolerance " << row.tolerance);
    CHECK(row.agrees());
  }
}

// The tolerances grow by two and a half standard errors of a sample of this size.
TEST_CASE("LunarLanderContinuous' statistics are Gymnasium's under both policies") {
  const auto environment = make_lunar_lander_continuous();
  for (const char* policy : {"uniform", "heuristic"}) {
    check(compare(*environment, kLanderOracle, policy, 500, widened()), policy);
  }
}

TEST_CASE("BipedalWalker's statistics are Gymnasium's under both policies") {
  const auto environment = make_bipedal_walker();
  for (const char* policy : {"uniform", "heuristic"}) {
    check(compare(*environment, kWalkerOracle, policy, 120, widened()), policy);
  }
}

TEST_CASE("statistics are Gymnasium's within the plain tolerances", "[.][oracle-full]") {
  const auto lander = make_lunar_lander_continuous();
  const auto walker = make_bipedal_walker();
  for (const char* policy : {"uniform", "heuristic"}) {
    check(compare(*lander, kLanderOracle, policy, 3000, OracleTolerances()), policy);
    check(compare(*walker, kWalkerOracle, policy, 1500, OracleTolerances()), policy);
  }
}

// An action of half the size is another task to the same policy.
class HalfThrottle final : public Environment {
 public:
  explicit HalfThrottle(std::unique_ptr<Environment> inner) : inner_(std::move(inner)) {}
  const EnvironmentSpec& spec() const override { return inner_->spec(); }
  Observation reset(std::uint64_t seed) override { return inner_->reset(seed); }
  StepResult step(Action action) override {
    std::vector<float> half(action.begin(), action.end());
    for (float& value : half) value *= 0.5f;
    return inner_->step(half);
  }

 private:
  std::unique_ptr<Environment> inner_;
};

TEST_CASE("the comparison with Gymnasium notices another task") {
  const auto misses = [](std::unique_ptr<Environment> inner, const char* oracle) {
    HalfThrottle environment(std::move(inner));
    const std::vector<OracleRow> rows = compare(environment, oracle, "uniform", 100, widened());
    return std::count_if(rows.begin(), rows.end(), [](const OracleRow& row) { return !row.agrees(); });
  };
  CHECK(misses(make_lunar_lander_continuous(), kLanderOracle) > 3);
  CHECK(misses(make_bipedal_walker(), kWalkerOracle) > 3);
}

}  // namespace
}  // namespace genkidama::test
