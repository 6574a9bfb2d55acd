#include "rl/behaviour/action_selection.h"

#include <cmath>
#include <vector>

#include "support/catch.h"

using namespace genkidama;

namespace {

std::vector<double> frequencies(const std::vector<float>& logits, double epsilon, int draws) {
  Random random(1);
  std::vector<double> share(logits.size(), 0);
  for (int i = 0; i < draws; ++i) {
    share[static_cast<std::size_t>(explore_action(logits, epsilon, random))] += 1.0 / draws;
  }
  return share;
}

}  // namespace

TEST_CASE("actions are sampled in proportion to the softmax of the logits") {
  const auto share = frequencies({0.0f, std::log(2.0f), std::log(5.0f)}, 0, 100'000);
  REQUIRE(share[0] == Approx(0.125).margin(0.006));
  REQUIRE(share[1] == Approx(0.25).margin(0.008));
  REQUIRE(share[2] == Approx(0.625).margin(0.008));
}

TEST_CASE("epsilon spreads its share over all actions") {
  const auto share = frequencies({100.0f, 0.0f}, 0.2, 100'000);
  REQUIRE(share[1] == Approx(0.1).margin(0.005));
}

TEST_CASE("very large logits neither overflow nor bias the choice") {
  const auto share = frequencies({5000.0f, 5000.0f, -5000.0f}, 0, 10'000);
  REQUIRE(share[0] == Approx(0.5).margin(0.03));
  REQUIRE(share[2] == 0);
}

TEST_CASE("the greedy action is the likeliest, the first of equals") {
  REQUIRE(greedy_action(std::vector<float>{1, 3, 2}) == 1);
  REQUIRE(greedy_action(std::vector<float>{3, 3, 2}) == 0);
}
