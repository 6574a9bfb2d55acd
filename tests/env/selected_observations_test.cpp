#include "genkidama/env/selected_observations.h"

#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/env/check_environment.h"
#include "genkidama/env/lamplighter.h"
#include "genkidama/env/pendulum.h"
#include "support/catch.h"

namespace genkidama {
namespace {

TEST_CASE("selected observations are the chosen components, in the order in which they were chosen") {
  const auto bare = make_cart_pole();
  const auto selected = make_selected(make_cart_pole(), {3, 0});
  CHECK(selected->spec().name == "CartPole-v1[3,0]");
  CHECK(selected->spec().observation_size == 2);
  CHECK(selected->spec().observation_shape == std::vector<int>{2});
  CHECK(selected->spec().action_count == 2);
  CHECK(selected->spec().time_limit == 500);
  CHECK(selected->spec().reward_threshold == 475);
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    Observation whole = bare->reset(seed), part = selected->reset(seed);
    StepResult end;
    for (int step = 0; !end.terminated; ++step) {
      REQUIRE(part.size() == 2);
      CHECK(part[0] == whole[3]);
      CHECK(part[1] == whole[0]);
      end = bare->step(step % 2);
      const StepResult result = selected->step(step % 2);
      CHECK(result.reward == end.reward);
      CHECK(result.terminated == end.terminated);
      CHECK(result.truncated == end.truncated);
      whole = end.observation;
      part = result.observation;
    }
  }
}

TEST_CASE("CartPole without velocities shows position and angle") {
  const auto bare = make_cart_pole(), hidden = make_cart_pole_without_velocities();
  CHECK(hidden->spec().observation_size == 2);
  const Observation whole = bare->reset(4), part = hidden->reset(4);
  CHECK(part[0] == whole[0]);
  CHECK(part[1] == whole[2]);
}

TEST_CASE("an image of which pixels are selected is a vector, and a Box stays one") {
  const auto pixels = make_selected(make_lamplighter(), {0, 399});
  CHECK(pixels->spec().observation_shape == std::vector<int>{2});
  const auto angle = make_selected(make_pendulum(), {0, 1});
  CHECK(angle->spec().action_space == make_pendulum()->spec().action_space);
}

TEST_CASE("selected observations keep the environment contract") {
  EnvironmentCheckOptions options;
  options.try_invalid_actions = true;
  for (const EnvironmentFactory& make :
       {EnvironmentFactory(make_cart_pole_without_velocities),
        EnvironmentFactory([] { return make_selected(make_pendulum(), {2}); })}) {
    const EnvironmentReport report = check_environment(make, options);
    CAPTURE(to_text(report));
    CHECK(report.findings.empty());
  }
}

TEST_CASE("a wrong choice of components is named") {
  const auto select = [](std::vector<int> components) {
    return make_selected(make_cart_pole(), std::move(components));
  };
  CHECK_THROWS_AS(select({}), ArgumentError);
  CHECK_THROWS_WITH(
      select({}),
      Catch::Equals("make_selected() of 'CartPole-v1': no components given, expected one or more"));
  CHECK_THROWS_WITH(select({0, 4}),
                    Catch::Equals("make_selected() of 'CartPole-v1': component 4 given, expected 0 to 3"));
  CHECK_THROWS_WITH(select({-1}), Catch::Contains("component -1 given"));
  CHECK_THROWS_WITH(
      select({1, 2, 1}),
      Catch::Equals("make_selected() of 'CartPole-v1': component 1 given twice, expected it once"));
  CHECK_THROWS_WITH(make_selected(nullptr, {0}),
                    Catch::Equals("make_selected() given no environment, expected one"));
}

}  // namespace
}  // namespace genkidama
