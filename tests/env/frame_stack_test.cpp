#include "genkidama/env/frame_stack.h"

#include <algorithm>
#include <deque>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/env/check_environment.h"
#include "genkidama/env/lamplighter.h"
#include "genkidama/env/pendulum.h"
#include "genkidama/env/selected_observations.h"
#include "support/catch.h"

namespace genkidama {
namespace {

std::vector<float> joined(const std::deque<std::vector<float>>& frames) {
  std::vector<float> all;
  for (const auto& frame : frames) all.insert(all.end(), frame.begin(), frame.end());
  return all;
}

std::vector<float> copied(Observation observation) {
  return {observation.begin(), observation.end()};
}

TEST_CASE("a frame stack shows the last observations, the oldest first") {
  for (const auto make : {make_cart_pole, make_lamplighter}) {
    const auto bare = make(), stacked = make_frame_stack(make(), 3);
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      const std::vector<float> first = copied(bare->reset(seed));
      std::deque<std::vector<float>> frames{first, first, first};
      CHECK(copied(stacked->reset(seed)) == joined(frames));
      StepResult end;
      for (int step = 0; !end.terminated && step < 50; ++step) {
        end = bare->step(step % 2);
        const StepResult result = stacked->step(step % 2);
        frames.pop_front();
        frames.push_back(copied(end.observation));
        CHECK(copied(result.observation) == joined(frames));
        CHECK(result.reward == end.reward);
        CHECK(result.terminated == end.terminated);
        CHECK(result.truncated == end.truncated);
      }
    }
  }
}

TEST_CASE("a frame stack multiplies the first dimension and leaves the rest of the spec alone") {
  const EnvironmentSpec vector = make_frame_stack(make_pendulum(), 4)->spec();
  CHECK(vector.observation_shape == std::vector<int>{12});
  CHECK(vector.observation_size == 12);
  CHECK(vector.action_space == make_pendulum()->spec().action_space);
  CHECK(vector.name == "Pendulum-v1");
  CHECK(vector.time_limit == 200);
  const EnvironmentSpec image = make_frame_stack(make_lamplighter(), 2)->spec();
  CHECK(image.observation_shape == std::vector<int>{8, 10, 10});
  CHECK(image.observation_size == 800);
  CHECK(make_frame_stack(make_lamplighter(), 1)->spec().observation_shape == std::vector<int>{4, 10, 10});
}

TEST_CASE("a frame stack keeps the environment contract") {
  EnvironmentCheckOptions options;
  options.try_invalid_actions = true;
  const EnvironmentReport report =
      check_environment([] { return make_frame_stack(make_cart_pole_without_velocities(), 4); }, options);
  CAPTURE(to_text(report));
  CHECK(report.findings.empty());
}

TEST_CASE("a number of frames out of range is named") {
  CHECK_THROWS_AS(make_frame_stack(make_cart_pole(), 0), ArgumentError);
  CHECK_THROWS_WITH(make_frame_stack(make_cart_pole(), 0),
                    Catch::Equals("make_frame_stack() of 'CartPole-v1': 0 frames given, expected 1 to 1000"));
  CHECK_THROWS_WITH(make_frame_stack(make_cart_pole(), 1001), Catch::Contains("1001 frames given"));
  CHECK_THROWS_WITH(make_frame_stack(nullptr, 2),
                    Catch::Equals("make_frame_stack() given no environment, expected one"));
}

}  // namespace
}  // namespace genkidama
