#include <cmath>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/rl/behaviour.h"
#include "support/catch.h"

using namespace genkidama;

namespace {

struct Choice {
  int chosen = -1;
  float log_probability = 1;
};

Choice act(const Behaviour& behaviour, const std::vector<float>& outputs,
           const std::vector<std::uint8_t>& mask, Acting acting, Random& random) {
  Choice choice;
  float chosen = -1;
  behaviour.act(outputs, mask, acting, random, {&chosen, 1}, choice.log_probability);
  choice.chosen = static_cast<int>(chosen);
  return choice;
}

}  // namespace

TEST_CASE("a greedy choice is the first of the largest outputs that is allowed") {
  const auto behaviour = greedy_choice([] { return 1.0; });
  Random random(1);
  for (const Acting acting : {Acting::kGreedy, Acting::kSampling}) {
    CHECK(act(*behaviour, {1, 3, 3, 2}, {}, acting, random).chosen == 1);
    CHECK(act(*behaviour, {1, 3, 3, 2}, {1, 0, 0, 1}, acting, random).chosen == 3);
    CHECK(act(*behaviour, {-5, -3}, {1, 0}, acting, random).chosen == 0);
    CHECK(act(*behaviour, {1, 3}, {}, acting, random).log_probability == 0);
  }
}

TEST_CASE("exploring, any allowed alternative is taken with chance epsilon") {
  double epsilon = 0.5;
  const auto behaviour = greedy_choice([&epsilon] { return epsilon; });
  Random random(1);
  std::vector<int> counts(4);
  for (int i = 0; i < 30'000; ++i) {
    const Choice choice = act(*behaviour, {1, 9, 3, 2}, {1, 0, 1, 1}, Acting::kExploring, random);
    ++counts[static_cast<std::size_t>(choice.chosen)];
    const double probability = choice.chosen == 2 ? 0.5 + 0.5 / 3 : 0.5 / 3;
    REQUIRE(choice.log_probability == Approx(std::log(probability)));
  }
  CHECK(counts[1] == 0);
  CHECK(std::abs(counts[0] - 5'000) < 350);
  CHECK(std::abs(counts[2] - 20'000) < 500);
  // It is asked each time.
  epsilon = 0;
  const Choice choice = act(*behaviour, {1, 9, 3, 2}, {}, Acting::kExploring, random);
  CHECK(choice.chosen == 1);
  CHECK(choice.log_probability == 0);
  CHECK(act(*greedy_choice(), {1, 9}, {}, Acting::kExploring, random).chosen == 1);
}

TEST_CASE("where an alternative has several outputs, their mean counts") {
  const auto behaviour = greedy_choice({}, 3);
  Random random(1);
  CHECK(act(*behaviour, {9, 0, 0, 4, 4, 4, -1, -1, 30}, {}, Acting::kGreedy, random).chosen == 2);
  CHECK(act(*behaviour, {9, 0, 0, 4, 4, 4, -1, -1, 30}, {1, 1, 0}, Acting::kGreedy, random).chosen == 1);
  CHECK_THROWS_AS(greedy_choice({}, 0), ArgumentError);
}

TEST_CASE("a greedy choice is made again from its description") {
  const ActionSpace space{.choices = {3}, .low = {}, .high = {}};
  for (const int outputs_each : {1, 5}) {
    const auto behaviour = described_behaviour(greedy_choice({}, outputs_each)->description(), space);
    REQUIRE(behaviour);
    CHECK(behaviour->description() == greedy_choice({}, outputs_each)->description());
  }
  for (const char* other : {"greedy 0", "greedy x", "greedy 3 4", "greedyish", "categorical greedy"})
    CHECK_FALSE(described_behaviour(other, space));
}
