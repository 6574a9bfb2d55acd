#include "genkidama/rl/returns.h"

#include <vector>

#include "support/catch.h"

using namespace genkidama;

TEST_CASE("n-step returns discount back from the bootstrap") {
  const std::vector<float> rewards{1, 2, 3};
  std::vector<float> returns(3);
  n_step_returns(rewards, 10, 0.5, returns);
  REQUIRE(returns == std::vector<float>{1 + 0.5f * (2 + 0.5f * 8), 2 + 0.5f * 8, 8});
}

TEST_CASE("generalised advantages with lambda 1 are the returns less the values") {
  const std::vector<float> rewards{1, -2, 3, 0.5f};
  const std::vector<float> values{0.3f, 0.2f, -0.7f, 2};
  std::vector<float> returns(4), advantages(4);
  n_step_returns(rewards, 4, 0.9, returns);
  generalised_advantages(rewards, values, 4, 0.9, 1.0, advantages);
  for (std::size_t i = 0; i < 4; ++i) REQUIRE(advantages[i] == Approx(returns[i] - values[i]).margin(1e-6));
}

TEST_CASE("generalised advantages with lambda 0 are one-step errors") {
  const std::vector<float> rewards{1, -2};
  const std::vector<float> values{0.5f, 2};
  std::vector<float> advantages(2);
  generalised_advantages(rewards, values, 4, 0.9, 0.0, advantages);
  REQUIRE(advantages[0] == Approx(1 + 0.9 * 2 - 0.5));
  REQUIRE(advantages[1] == Approx(-2 + 0.9 * 4 - 2));
}

TEST_CASE("generalised advantages with lambda between mix them as the definition says") {
  const std::vector<float> rewards{1, -2, 3};
  const std::vector<float> values{0.5f, 2, -1};
  std::vector<float> advantages(3);
  generalised_advantages(rewards, values, 0, 0.9, 0.8, advantages);
  const double d2 = 3 + 0.9 * 0 - -1, d1 = -2 + 0.9 * -1 - 2, d0 = 1 + 0.9 * 2 - 0.5;
  REQUIRE(advantages[2] == Approx(d2));
  REQUIRE(advantages[1] == Approx(d1 + 0.72 * d2));
  REQUIRE(advantages[0] == Approx(d0 + 0.72 * (d1 + 0.72 * d2)));
}
