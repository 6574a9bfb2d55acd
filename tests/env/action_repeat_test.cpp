#include "genkidama/env/action_repeat.h"

#include <algorithm>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/env/check_environment.h"
#include "genkidama/env/mountain_car.h"
#include "genkidama/env/pendulum.h"
#include "support/catch.h"

namespace genkidama {
namespace {

TEST_CASE("a repeated action is played until the number of times or the end is reached") {
  const auto bare = make_cart_pole(), repeated = make_action_repeat(make_cart_pole(), 3);
  bool cut_short = false;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Observation a = bare->reset(seed), b = repeated->reset(seed);
    CHECK(std::equal(a.begin(), a.end(), b.begin(), b.end()));
    for (StepResult result; !result.terminated;) {
      StepResult last;
      float sum = 0;
      int times = 0;
      for (; times < 3 && !last.terminated; ++times) {
        last = bare->step(1);
        sum += last.reward;
      }
      result = repeated->step(1);
      CHECK(result.reward == sum);
      CHECK(result.terminated == last.terminated);
      CHECK(result.truncated == last.truncated);
      CHECK(std::equal(last.observation.begin(), last.observation.end(), result.observation.begin(),
                       result.observation.end()));
      cut_short = cut_short || times < 3;
    }
  }
  CHECK(cut_short);
}

TEST_CASE("the time limit of repeated actions is rounded up, and the last step is shorter") {
  // 999 / 4 = 249.75; 250 steps of which the last one plays three.
  const auto environment = make_action_repeat(make_mountain_car_continuous(), 4);
  CHECK(environment->spec().time_limit == 250);
  CHECK(make_action_repeat(make_pendulum(), 4)->spec().time_limit == 50);
  CHECK(make_action_repeat(make_pendulum(), 1000)->spec().time_limit == 1);
  CHECK(make_action_repeat(make_pendulum(), 1)->spec().time_limit == 200);
  environment->reset(1);
  const float force = 0.5f;
  for (int step = 1; step <= 250; ++step) {
    const StepResult result = environment->step(Action(&force, 1));
    CHECK(result.truncated == (step == 250));
    CHECK(result.reward == Approx(step == 250 ? -0.075 : -0.1));
  }
}

TEST_CASE("repeated actions keep the environment contract") {
  EnvironmentCheckOptions options;
  options.try_invalid_actions = true;
  for (const EnvironmentFactory& make :
       {EnvironmentFactory([] { return make_action_repeat(make_cart_pole(), 2); }),
        EnvironmentFactory([] { return make_action_repeat(make_pendulum(), 3); })}) {
    const EnvironmentReport report = check_environment(make, options);
    CAPTURE(to_text(report));
    CHECK(report.findings.empty());
  }
}

TEST_CASE("a number of times out of range is named") {
  CHECK_THROWS_AS(make_action_repeat(make_cart_pole(), 0), ArgumentError);
  CHECK_THROWS_WITH(
      make_action_repeat(make_cart_pole(), 0),
      Catch::Equals("make_action_repeat() of 'CartPole-v1': 0 times given, expected 1 to 1000"));
  CHECK_THROWS_WITH(make_action_repeat(make_cart_pole(), 1001), Catch::Contains("1001 times given"));
  CHECK_THROWS_WITH(make_action_repeat(nullptr, 2),
                    Catch::Equals("make_action_repeat() given no environment, expected one"));
}

}  // namespace
}  // namespace genkidama
