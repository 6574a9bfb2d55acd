#include "genkidama/env/scaled_environment.h"

#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/env/check_environment.h"
#include "genkidama/env/checked_environment.h"
#include "support/catch.h"
#include "support/play_episode.h"

namespace genkidama::test {
namespace {

using Catch::Contains;

const ObservationScaling kScaling{{0.5F, 0, -1, 2}, {2, -0.25F, 10, 1}};

std::unique_ptr<Environment> scaled_cart_pole() {
  return make_scaled(make_cart_pole(), kScaling);
}

float scaled(float value, std::size_t i) {
  return (value - kScaling.offset[i]) * kScaling.scale[i];
}

TEST_CASE("a scaled environment gives (o - offset) * scale and leaves the rest alone") {
  const auto bare = make_cart_pole();
  const auto wrapped = scaled_cart_pole();
  CHECK(wrapped->spec().name == bare->spec().name);
  CHECK(wrapped->spec().time_limit == bare->spec().time_limit);
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    Observation expected = bare->reset(seed);
    Observation observation = wrapped->reset(seed);
    StepResult end;
    for (int step = 0; !end.terminated && !end.truncated; ++step) {
      REQUIRE(observation.size() == expected.size());
      for (std::size_t i = 0; i < expected.size(); ++i) CHECK(observation[i] == scaled(expected[i], i));
      end = bare->step(step % 2);
      const StepResult result = wrapped->step(step % 2);
      CHECK(result.reward == end.reward);
      CHECK(result.terminated == end.terminated);
      CHECK(result.truncated == end.truncated);
      expected = end.observation;
      observation = result.observation;
    }
  }
}

TEST_CASE("a scaled environment keeps the environment contract") {
  EnvironmentCheckOptions options;
  options.try_invalid_actions = true;
  options.policy = [](Observation scaled_state) {
    const auto state = [&](std::size_t i) {
      return scaled_state[i] / kScaling.scale[i] + kScaling.offset[i];
    };
    return state(2) + 0.5F * state(3) + 0.01F * state(0) > 0 ? 1 : 0;
  };
  const EnvironmentReport report = check_environment(scaled_cart_pole, options);
  CAPTURE(to_text(report));
  CHECK(report.findings.empty());
  CHECK(report.truncated > 0);
}

TEST_CASE("offset 0 and scale 1 change nothing") {
  const auto bare = make_cart_pole();
  const auto wrapped = make_scaled(make_cart_pole(), {{0, 0, 0, 0}, {1, 1, 1, 1}});
  CHECK_FALSE(test::play_episode(*wrapped, 5).first_difference(test::play_episode(*bare, 5)));
}

TEST_CASE("a scaling of another size is refused with both sizes") {
  const auto refuse = [](const ObservationScaling& scaling, const char* text) {
    CHECK_THROWS_AS(make_scaled(make_cart_pole(), scaling), ArgumentError);
    CHECK_THROWS_WITH(make_scaled(make_cart_pole(), scaling), Contains("CartPole") && Contains(text));
  };
  refuse({{0, 0, 0}, {1, 1, 1, 1}}, "offset has 3 values, expected 4");
  refuse({{0, 0, 0, 0}, {1, 1, 1, 1, 1}}, "scale has 5 values, expected 4");
  refuse({}, "offset has 0 values, expected 4");
}

TEST_CASE("an offset that is not finite or a scale that is 0 or not finite is refused by its number") {
  const float nan = std::nanf("");
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {nan, infinity, -infinity}) {
    CHECK_THROWS_WITH(make_scaled(make_cart_pole(), {{0, 0, bad, 0}, {1, 1, 1, 1}}), Contains("offset 2 is"));
  }
  for (const float bad : {nan, infinity, -infinity, 0.0F, -0.0F}) {
    CHECK_THROWS_AS(make_scaled(make_cart_pole(), {{0, 0, 0, 0}, {1, bad, 1, 1}}), ArgumentError);
    CHECK_THROWS_WITH(make_scaled(make_cart_pole(), {{0, 0, 0, 0}, {1, bad, 1, 1}}), Contains("scale 1 is"));
  }
}

TEST_CASE("scaling a null environment is refused") {
  CHECK_THROWS_AS(make_scaled(nullptr, {{0}, {1}}), ArgumentError);
}

// Says two values and gives one.
class Liar final : public DiscreteEnvironment {
 public:
  const EnvironmentSpec& spec() const override { return spec_; }
  Observation reset(std::uint64_t) override { return {&value_, 1}; }
  StepResult step(int) override {
    StepResult result;
    result.observation = {&value_, 1};
    return result;
  }

 private:
  EnvironmentSpec spec_{"liar", 2, 1, 5};
  float value_ = 0;
};

TEST_CASE("an observation of another size than the spec says is refused, not read beyond its end") {
  const auto wrapped = make_scaled(std::make_unique<Liar>(), {{0, 0}, {1, 1}});
  CHECK_THROWS_WITH(wrapped->reset(0), Contains("liar") && Contains("1 values, expected 2"));
  CHECK_THROWS_AS(wrapped->step(0), ArgumentError);
}

TEST_CASE("a scale that takes an observation beyond what a float holds is found out") {
  const auto checked = make_checked(make_scaled(make_cart_pole(), {{-2, 0, 0, 0}, {3e38F, 1, 1, 1}}));
  CHECK_THROWS_WITH(checked->reset(0), Contains("expected a finite number"));
}

}  // namespace
}  // namespace genkidama::test
