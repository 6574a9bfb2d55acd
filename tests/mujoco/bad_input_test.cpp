// Each mistake in the options of an environment in MuJoCo is an error in one line that says what to do.
#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/mujoco/mujoco_environment.h"
#include "mujoco/models.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// What `call` throws, which must be an ArgumentError of one line.
std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const ArgumentError& error) {
    const std::string text = error.what();
    CHECK(text.find('\n') == std::string::npos);
    return text;
  }
  return "accepted";
}

struct Mistake {
  std::string expected;
  std::function<void(MujocoOptions&)> make;
};

}  // namespace

TEST_CASE("options that cannot work are refused by name") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Mistake> mistakes{
      {"none of file and xml is given", [](auto& o) { o.xml.clear(); }},
      {"each of file and xml is given", [](auto& o) { o.file = std::string("model.xml"); }},
      {"'/nowhere/model.xml', which does not exist",
       [](auto& o) {
         o.xml.clear();
         o.file = std::string("/nowhere/model.xml");
       }},
      {"'/', which is no file",
       [](auto& o) {
         o.xml.clear();
         o.file = std::string("/");
       }},
      {"reward is empty", [](auto& o) { o.reward = nullptr; }},
      {"frame_skip is 0, expected at least 1", [](auto& o) { o.frame_skip = 0; }},
      {"time_limit is -3, expected at least 1", [](auto& o) { o.time_limit = -3; }},
      {"max_unstable_episodes_in_a_row is 0", [](auto& o) { o.max_unstable_episodes_in_a_row = 0; }},
      {"qpos_noise is -1", [](auto& o) { o.qpos_noise = -1; }},
      {"qvel_noise is nan", [nan](auto& o) { o.qvel_noise = nan; }},
      {"qpos_noise is inf", [](auto& o) { o.qpos_noise = std::numeric_limits<double>::infinity(); }},
      {"hidden_qpos has 2, but the model has 2 numbers",
       [](auto& o) {
         o.hidden_qpos = {0, 2};
       }},
      {"hidden_qpos has -1", [](auto& o) { o.hidden_qpos = {-1}; }},
      {"observation_size is 3 without observe", [](auto& o) { o.observation_size = 3; }},
      {"observation_size is 0 with observe", [](auto& o) { o.observe = [](auto&, auto) {}; }},
      {"hidden_qpos is given with observe",
       [](auto& o) {
         o.observe = [](auto&, auto) {};
         o.observation_size = 1;
         o.hidden_qpos = {0};
       }},
      {"metrics is given without measure", [](auto& o) { o.metrics = {"success"}; }},
      {"measure is given without metrics", [](auto& o) { o.measure = [](auto&, auto) {}; }},
      {"not a name",
       [](auto& o) {
         o.metrics = {"not a name"};
         o.measure = [](auto&, auto) {};
       }},
      {"no keyframe 'flat'; expected one of folded", [](auto& o) { o.keyframe = "flat"; }},
  };
  for (const Mistake& mistake : mistakes) {
    MujocoOptions options = options_for(kArm);
    mistake.make(options);
    CHECK_THAT(refusal([&] { MujocoEnvironment{options}; }), Catch::Contains(mistake.expected));
  }
}

TEST_CASE("models that MuJoCo refuses are refused with its own words") {
  const std::string joint = "<worldbody><body><joint name='j'/><geom size='1'/></body></worldbody>";
  const std::vector<std::pair<std::string, std::string>> models{
      {"this is no XML", "XML"},
      {"<mujoco>", "XML"},
      {"<mujoco><jump/></mujoco>", "jump"},
      {"<robot", "XML"},
      {"<mujoco>" + joint + "<actuator><motor joint='k'/></actuator></mujoco>", "k"},
      {"<mujoco>" + joint +
           "<actuator><motor joint='j' ctrlrange='2 1' ctrllimited='true'/></actuator></mujoco>",
       "range"},
      {"<mujoco><worldbody><body><joint name='j'/></body></worldbody></mujoco>", "mass"},
      {"<mujoco><option timestep='x'/></mujoco>", "timestep"}};
  const TemporaryDirectory folder;
  for (const auto& [xml, word] : models) {
    CAPTURE(xml);
    const std::string text = refusal([&] { MujocoEnvironment{options_for(xml)}; });
    CHECK_THAT(text, Catch::Contains("MujocoOptions::xml is no model that MuJoCo"));
    CHECK_THAT(text, Catch::Contains(word));

    MujocoOptions options = options_for("");
    options.file = folder / "model.xml";
    std::ofstream(options.file) << xml;
    CHECK_THAT(refusal([&] { MujocoEnvironment{options}; }),
               Catch::Contains("model.xml' is no model") && Catch::Contains(word));
  }
}

TEST_CASE("a model that nothing can be done with is refused") {
  const std::string body = "<worldbody><body><joint name='j'/><geom size='1'/></body></worldbody>";
  CHECK_THAT(refusal([&] { MujocoEnvironment{options_for("<mujoco model='still'>" + body + "</mujoco>")}; }),
             Catch::Contains("still: the MuJoCo model has no actuator") && Catch::Contains("<actuator>"));
  // All of qpos is hidden, and qvel is still seen: that is allowed.
  MujocoOptions options = options_for(kCart);
  options.hidden_qpos = {0};
  CHECK(MujocoEnvironment(options).spec().observation_size == 1);
}

TEST_CASE("names that the model does not have are refused with those that it has") {
  MujocoEnvironment arm(options_for(kArm));
  const MujocoState state = arm.state();
  CHECK_THAT(refusal([&] { state.joint_position("knee"); }),
             Catch::Contains("no joint 'knee'; expected one of shoulder, elbow"));
  CHECK_THAT(refusal([&] { state.joint_velocity(""); }), Catch::Contains("no joint ''"));
  CHECK_THAT(refusal([&] { state.site_position("foot"); }), Catch::Contains("expected one of hand"));
  CHECK_THAT(refusal([&] { state.body_position("hand"); }), Catch::Contains("expected one of world, upper"));
  CHECK_THAT(refusal([&] { state.sensor("force"); }), Catch::Contains("expected one of elbow_angle"));
  MujocoEnvironment ball(options_for(kBall));
  CHECK_THAT(refusal([&] { ball.state().sensor("any"); }), Catch::Contains("it has no sensor with a name"));
  CHECK_THAT(refusal([&] { ball.state().joint_position("free"); }), Catch::Contains("a hinge or a slide"));
}

TEST_CASE("actions out of range and steps outside an episode are refused") {
  MujocoOptions options = options_for(kCart);
  options.time_limit = 2;
  MujocoEnvironment cart(options);
  CHECK_THAT(refusal([&] { push(cart, 0); }), Catch::Contains("cart: step() called outside an episode"));
  cart.reset(1);
  for (const float control : {2.5F, -1.5F, std::numeric_limits<float>::quiet_NaN()}) {
    CHECK_THAT(refusal([&] { push(cart, control); }), Catch::Contains("cart: step()"));
  }
  CHECK_THAT(refusal([&] { cart.step(Action{}); }), Catch::Contains("cart: step()"));
  // A refused action does not end the episode.
  CHECK_FALSE(push(cart, 1).truncated);
  CHECK(push(cart, 1).truncated);
  CHECK_THAT(refusal([&] { push(cart, 0); }), Catch::Contains("outside an episode"));
}

TEST_CASE("numbers of the functions that are not finite are refused by the function's name") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  MujocoOptions options = options_for(kCart);
  options.reward = [](const MujocoState& state) { return state.time() > 0.015 ? 1e300 : 0; };
  MujocoEnvironment rewarded(options);
  rewarded.reset(1);
  push(rewarded, 1);
  CHECK_THAT(refusal([&] { push(rewarded, 1); }),
             Catch::Contains("cart: MujocoOptions::reward gave 1e+300 in step 2"));

  options = options_for(kCart);
  options.observation_size = 2;
  options.observe = [nan](const MujocoState&, std::span<float> observation) { observation[1] = nan; };
  MujocoEnvironment observed(options);
  CHECK_THAT(refusal([&] { observed.reset(1); }),
             Catch::Contains("MujocoOptions::observe wrote nan at index 1"));

  options = options_for(kCart);
  options.metrics = {"success"};
  options.measure = [nan](const MujocoState&, std::span<float> metrics) { metrics[0] = nan; };
  MujocoEnvironment measured(options);
  CHECK_THAT(refusal([&] { measured.reset(1); }),
             Catch::Contains("MujocoOptions::measure wrote nan at index 0"));

  options = options_for(kCart);
  options.start = [](const MujocoStart& start) { start.qvel[0] = std::nan(""); };
  MujocoEnvironment started(options);
  CHECK_THAT(refusal([&] { started.reset(1); }), Catch::Contains("MujocoOptions::start set a number"));
}
