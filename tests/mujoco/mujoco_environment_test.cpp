// Physics, observations, rewards and starts of environments that MuJoCo plays.
#include "genkidama/mujoco/mujoco_environment.h"

#include <cmath>
#include <fstream>
#include <limits>
#include <set>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/env/check_environment.h"
#include "mujoco/models.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

std::vector<float> copy(Observation observation) {
  return {observation.begin(), observation.end()};
}

std::vector<std::vector<float>> play(MujocoEnvironment& environment, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::vector<float>> seen{copy(environment.reset(seed))};
  for (bool ends = false; !ends;) {
    std::vector<float> action;
    for (std::size_t i = 0; i < environment.spec().action_space.width(); ++i) {
      action.push_back(static_cast<float>(random.uniform(-1, 1)));
    }
    const StepResult result = environment.step(action);
    seen.push_back(copy(result.observation));
    seen.back().push_back(result.reward);
    ends = result.terminated || result.truncated;
  }
  return seen;
}

}  // namespace

TEST_CASE("a cart moves by Newton's law, so many steps of MuJoCo in one step") {
  for (const int frame_skip : {1, 4}) {
    MujocoOptions options = options_for(kCart);
    options.frame_skip = frame_skip;
    MujocoEnvironment cart(options);
    cart.reset(1);
    for (int i = 0; i < 25; ++i) push(cart, 2);
    // 2 * 3 N on 2 kg; the velocity of a step moves the cart in the same step.
    const double n = 25 * frame_skip, h = 0.01, acceleration = 3;
    CHECK(cart.state().joint_velocity("rail") == Approx(acceleration * h * n).epsilon(1e-9));
    CHECK(cart.state().joint_position("rail") ==
          Approx(acceleration * h * h * n * (n + 1) / 2).epsilon(1e-9));
    CHECK(cart.state().time() == Approx(h * n));
    CHECK(cart.state().step_seconds() == Approx(h * frame_skip));
  }
}

TEST_CASE("the same seed and actions give the same episode, bit for bit, in another instance too") {
  MujocoEnvironment one(reaching()), two(reaching());
  const auto first = play(one, 3);
  CHECK(first.size() == 41);
  CHECK(play(one, 4) != first);
  CHECK(play(one, 3) == first);
  CHECK(play(two, 3) == first);
}

TEST_CASE("an observation is qpos without what is hidden, then qvel") {
  MujocoEnvironment ball(options_for(kBall));
  CHECK(ball.spec().observation_size == 13);
  MujocoOptions options = options_for(kBall);
  options.hidden_qpos = {1, 0};
  MujocoEnvironment partly(options);
  REQUIRE(partly.spec().observation_size == 11);
  partly.reset(1);
  const auto seen = copy(push(partly, 0.5).observation);
  const MujocoState state = partly.state();
  std::vector<float> expected;
  for (std::size_t i = 2; i < 7; ++i) expected.push_back(static_cast<float>(state.qpos()[i]));
  for (const double velocity : state.qvel()) expected.push_back(static_cast<float>(velocity));
  CHECK(seen == expected);
  CHECK(seen[0] < 0);  // it falls
}

TEST_CASE("an observation can be written by a function") {
  MujocoOptions options = options_for(kCart);
  options.observation_size = 3;
  options.observe = [](const MujocoState& state, std::span<float> observation) {
    observation[0] = static_cast<float>(state.time());
    observation[1] = static_cast<float>(state.ctrl()[0]);
    observation[2] = 7;
  };
  MujocoEnvironment cart(options);
  CHECK(copy(cart.reset(1)) == std::vector<float>{0, 0, 7});
  CHECK(copy(push(cart, 1.5F).observation) == std::vector<float>{0.01F, 1.5F, 7});
  CHECK(copy(cart.reset(1)) == std::vector<float>{0, 0, 7});
}

TEST_CASE("actions have the control ranges of the actuators, and infinite bounds without a range") {
  const MujocoEnvironment cart(options_for(kCart));
  CHECK(cart.spec().action_space == ActionSpace{{}, {-1}, {2}});
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  MujocoEnvironment ball(options_for(kBall));
  CHECK(ball.spec().action_space == ActionSpace{{}, {-kInfinity}, {kInfinity}});
  ball.reset(1);
  push(ball, 1e-4F);
  CHECK(ball.state().qvel()[5] > 0);
}

TEST_CASE("the spec has a name, the time limit and the metrics") {
  CHECK(MujocoEnvironment(options_for(kCart)).spec().name == "cart");
  MujocoOptions options = reaching();
  options.name = "reach";
  const MujocoEnvironment arm(options);
  CHECK(arm.spec().name == "reach");
  CHECK(arm.spec().time_limit == 40);
  CHECK(arm.spec().metrics == std::vector<std::string>{"distance"});

  const TemporaryDirectory folder;
  std::ofstream(folder / "nameless.xml") << R"(<mujoco>
    <worldbody><body><joint name="j"/><geom size="0.1"/></body></worldbody>
    <actuator><motor joint="j"/></actuator></mujoco>)";
  options = options_for("");
  options.file = folder / "nameless.xml";
  CHECK(MujocoEnvironment(options).spec().name == "nameless");
}

TEST_CASE("a file may include other files beside it") {
  const TemporaryDirectory folder;
  std::ofstream(folder / "motor.xml")
      << R"(<mujoco><actuator><motor joint="j" ctrlrange="-3 3" ctrllimited="true"/></actuator></mujoco>)";
  std::ofstream(folder / "model.xml") << R"(<mujoco model="two files">
    <worldbody><body><joint name="j"/><geom size="0.1"/></body></worldbody>
    <include file="motor.xml"/></mujoco>)";
  MujocoOptions options = options_for("");
  options.file = folder / "model.xml";
  CHECK(MujocoEnvironment(options).spec().action_space == ActionSpace{{}, {-3}, {3}});
}

TEST_CASE("rewards see the state after the step, the positions before it, and what was done") {
  MujocoOptions options = options_for(kCart);
  options.frame_skip = 2;
  options.reward = [](const MujocoState& state) {
    return (state.qpos()[0] - state.qpos_before()[0]) / state.step_seconds() - 0.5 * state.ctrl()[0];
  };
  options.terminated = [](const MujocoState& state) { return state.joint_position("rail") > 0.01; };
  MujocoEnvironment cart(options);
  cart.reset(1);
  double before = 0;
  int steps = 0;
  for (bool ends = false; !ends;) {
    const StepResult result = push(cart, 1);
    const double position = cart.state().joint_position("rail");
    CHECK(result.reward == Approx((position - before) / 0.02 - 0.5));
    CHECK_FALSE(result.truncated);
    CHECK(result.terminated == (position > 0.01));
    before = position;
    ends = result.terminated;
    REQUIRE(++steps < 100);
  }
  CHECK(steps > 3);
}

TEST_CASE("what follows from the positions belongs to the positions after the step") {
  for (const bool has_sensors : {true, false}) {
    MujocoOptions options = options_for(kArm);
    if (!has_sensors) {
      const auto begin = options.xml.find("<sensor>");
      options.xml.erase(begin, options.xml.find("</sensor>") + 9 - begin);
    }
    MujocoEnvironment arm(options);
    arm.reset(1);
    for (int i = 0; i < 20; ++i) push(arm, 1);
    const MujocoState state = arm.state();
    const double shoulder = state.joint_position("shoulder"), elbow = state.joint_position("elbow");
    REQUIRE(std::abs(elbow) > 0.01);
    CHECK(state.site_position("hand")[0] ==
          Approx(0.5 * std::cos(shoulder) + 0.5 * std::cos(shoulder + elbow)).epsilon(1e-12));
    CHECK(state.body_position("lower")[1] == Approx(0.5 * std::sin(shoulder)).epsilon(1e-12));
    if (has_sensors) CHECK(state.sensor("elbow_angle")[0] == elbow);
  }
}

TEST_CASE("episodes begin at the model's state, with noise that follows from the seed") {
  MujocoOptions options = options_for(kArm);
  MujocoEnvironment exact(options);
  CHECK(copy(exact.reset(1)) == std::vector<float>{0, 0, 0, 0});
  CHECK(copy(exact.reset(2)) == std::vector<float>{0, 0, 0, 0});

  options.qpos_noise = 0.1;
  options.qvel_noise = 0.02;
  MujocoEnvironment noisy(options);
  std::set<std::vector<float>> starts;
  double most_place = 0, most_speed = 0, sum = 0;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const auto start = copy(noisy.reset(seed));
    starts.insert(start);
    CHECK(start == copy(noisy.reset(seed)));
    for (const std::size_t i : {0, 1}) {
      most_place = std::max(most_place, std::abs(static_cast<double>(start[i])));
      most_speed = std::max(most_speed, std::abs(static_cast<double>(start[i + 2])));
      sum += start[i];
    }
  }
  CHECK(starts.size() == 500);
  CHECK((most_place > 0.099 && most_place <= 0.1));
  CHECK((most_speed > 0.0198 && most_speed <= 0.02));
  CHECK(std::abs(sum / 1000) < 4 * 0.1 / std::sqrt(3 * 1000));
}

TEST_CASE("noise leaves quaternions normal") {
  MujocoOptions options = options_for(kBall);
  options.qpos_noise = 0.3;
  MujocoEnvironment ball(options);
  const auto start = copy(ball.reset(5));
  double square = 0;
  for (std::size_t i = 3; i < 7; ++i) square += static_cast<double>(start[i]) * static_cast<double>(start[i]);
  CHECK(square == Approx(1).epsilon(1e-6));
  CHECK(start[3] != 1);
}

TEST_CASE("episodes can begin with a keyframe, and with what a function sets") {
  MujocoOptions options = options_for(kArm);
  options.keyframe = "folded";
  MujocoEnvironment folded(options);
  CHECK(copy(folded.reset(1)) == std::vector<float>{0.5F, 2, 0, 0});

  options.start = [](const MujocoStart& start) {
    start.qpos[1] += 1;
    start.qvel[0] = 0.25;
    start.mocap_position[2] = start.random.uniform(1, 2);
  };
  MujocoEnvironment changed(options);
  for (const std::uint64_t seed : {1, 2}) {
    CHECK(copy(changed.reset(seed)) == std::vector<float>{0.5F, 3, 0.25F, 0});
    CHECK(changed.state().body_position("goal")[2] == Random(seed).uniform(1, 2));
  }
}

TEST_CASE("metrics are those of the state after each step, and the time limit truncates") {
  MujocoEnvironment arm(reaching());
  arm.reset(1);
  for (int step = 1; step <= 40; ++step) {
    const StepResult result = push(arm, 0.3F);
    REQUIRE(result.metrics.size() == 1);
    CHECK(result.metrics[0] == -result.reward);
    CHECK(result.truncated == (step == 40));
    CHECK_FALSE(result.terminated);
  }
}

TEST_CASE("environments in MuJoCo keep the contract") {
  EnvironmentCheckOptions check;
  check.try_invalid_actions = true;
  const EnvironmentReport report =
      check_environment([] { return std::make_unique<MujocoEnvironment>(reaching()); }, check);
  CAPTURE(to_text(report));
  CHECK(report.findings.empty());
  CHECK(report.truncated == report.episodes);

  // Infinite bounds, a reward that is 0, and no randomness.
  check = EnvironmentCheckOptions();
  check.episodes = 5;
  check.seeds_matter = false;
  const EnvironmentReport ball = check_environment(
      [] {
        MujocoOptions options = options_for(kBall);
        options.time_limit = 20;
        return std::make_unique<MujocoEnvironment>(options);
      },
      check);
  CAPTURE(to_text(ball));
  CHECK(ball.ok());
}
