// What MuJoCo reports: a state that it has lost, and errors that would end the process.
#include <mujoco/mujoco.h>

#include <filesystem>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/core/log.h"
#include "mujoco/models.h"
#include "support/catch.h"
#include "support/child_process.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// Keeps the messages of the log while it lives.
class KeptLog {
 public:
  KeptLog() {
    set_log_sink([this](LogLevel, std::string_view text) { lines.emplace_back(text); });
  }
  ~KeptLog() { set_log_sink({}); }
  std::vector<std::string> lines;
};

MujocoOptions unstable() {
  MujocoOptions options = options_for(kUnstable);
  options.reward = [](const MujocoState&) { return 1.0; };
  options.max_unstable_episodes_in_a_row = 3;
  options.metrics = {"position"};
  options.measure = [](const MujocoState& state, std::span<float> metrics) {
    metrics[0] = static_cast<float>(state.qpos()[0]);
  };
  return options;
}

/// Plays until the episode ends.
StepResult last_step(MujocoEnvironment& environment) {
  environment.reset(1);
  for (int i = 0; i < 1000; ++i) {
    const StepResult result = push(environment, 1);
    if (result.terminated || result.truncated) return result;
    REQUIRE(result.reward == 1);
  }
  FAIL("the simulation stayed stable");
  return {};
}

}  // namespace

TEST_CASE("a simulation that becomes unstable ends its episode, and nothing is learnt from the loss") {
  const TemporaryDirectory folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  KeptLog kept;
  MujocoEnvironment spring(unstable());
  const StepResult end = last_step(spring);
  std::filesystem::current_path(before);
  CHECK(end.truncated);
  CHECK_FALSE(end.terminated);
  CHECK_FALSE(end.lost);
  CHECK(end.reward == 0);
  REQUIRE(end.observation.size() == 2);
  CHECK((is_finite(end.observation[0]) && is_finite(end.observation[1])));
  CHECK(end.observation[0] != 0);  // not the state from which MuJoCo starts over
  REQUIRE(end.metrics.size() == 1);
  CHECK(end.metrics[0] == end.observation[0]);
  REQUIRE(kept.lines.size() == 1);
  CHECK_THAT(kept.lines[0], Catch::Contains("environment 'spring': the simulation became unstable in step"));
  CHECK(kept.lines[0].find('\n') == std::string::npos);
  CHECK(folder.entries() == 0);  // MuJoCo wrote no log file of its own
  CHECK_THROWS_AS(push(spring, 1), ArgumentError);
  // The next episode begins as ever.
  const Observation next = spring.reset(1);
  CHECK((next[0] == 0 && next[1] == 0));
}

TEST_CASE("an unstable simulation is the same each time") {
  KeptLog kept;
  MujocoEnvironment one(unstable()), two(unstable());
  const StepResult a = last_step(one), b = last_step(two), c = last_step(one);
  CHECK(std::vector<float>(a.observation.begin(), a.observation.end()) ==
        std::vector<float>(b.observation.begin(), b.observation.end()));
  CHECK(std::vector<float>(c.observation.begin(), c.observation.end()) ==
        std::vector<float>(b.observation.begin(), b.observation.end()));
}

TEST_CASE("a simulation that is always unstable is an error") {
  KeptLog kept;
  MujocoEnvironment spring(unstable());
  last_step(spring);
  last_step(spring);
  CHECK_THROWS_WITH(last_step(spring),
                    Catch::Contains("spring: the simulation became unstable in 3 episodes in a row") &&
                        Catch::Contains("timestep"));

  // An episode that ends otherwise starts the count anew.
  MujocoOptions options = unstable();
  options.time_limit = 1;
  MujocoEnvironment brief(options);
  for (int i = 0; i < 5; ++i) CHECK(last_step(brief).reward == 1);
}

TEST_CASE("an error in MuJoCo is an exception in one line", "[forks]") {
  MujocoOptions options = options_for(kCart);
  options.reward = [](const MujocoState&) -> double {
    mju_error("the rope\nis torn");
    return 0;
  };
  MujocoEnvironment cart(options);
  cart.reset(1);
  CHECK_THROWS_WITH(push(cart, 1), "MuJoCo: the rope is torn");
  // The environment can be played on.
  cart.reset(1);
  CHECK_THROWS_AS(push(cart, 1), Error);
}

TEST_CASE("handlers that the program has set are left alone", "[forks]") {
  ChildProcess child([] {
    static int errors = 0;
    mju_user_error = [](const char*) {
      ++errors;
      throw 7;
    };
    mju_user_warning = [](const char*) {};
    const auto own = mju_user_error;
    MujocoEnvironment cart(options_for(kCart));
    if (mju_user_error != own) return 1;
    try {
      mju_error("an error");
    } catch (int) {
      return errors == 1 ? 0 : 2;
    }
    return 3;
  });
  CHECK(child.wait() == "exit 0");
}

TEST_CASE("more contacts than the model has room for are told once") {
  MujocoOptions options = options_for(R"(<mujoco model="pile">
    <size nconmax="1" njmax="500"/>
    <worldbody>
      <geom type="plane" size="1 1 0.1"/>
      <body pos="0 0 0.1"><freejoint/><geom type="box" size="0.1 0.1 0.1"/></body>
      <body pos="0.5 0 0.1"><joint name="j" type="slide" axis="0 0 1"/><geom type="box" size="0.1 0.1 0.1"/></body>
    </worldbody>
    <actuator><motor joint="j"/></actuator>
  </mujoco>)");
  options.time_limit = 20;
  KeptLog kept;
  MujocoEnvironment pile(options);
  for (int episode = 0; episode < 3; ++episode) {
    pile.reset(1);
    for (int i = 0; i < 20; ++i) push(pile, 0);
  }
  REQUIRE(kept.lines.size() == 1);
  CHECK_THAT(kept.lines[0], Catch::Contains("environment 'pile': MuJoCo:") && Catch::Contains("not exact"));
}

TEST_CASE("a control that is too large for MuJoCo is told, and is played as 0") {
  KeptLog kept;
  MujocoEnvironment ball(options_for(kBall));
  for (int episode = 0; episode < 2; ++episode) {
    ball.reset(1);
    CHECK_FALSE(push(ball, 1e12F).truncated);
    CHECK(ball.state().qvel()[5] == 0);
  }
  REQUIRE(kept.lines.size() == 1);
  CHECK_THAT(kept.lines[0], Catch::Contains("environment 'ball': MuJoCo:") && Catch::Contains("CTRL"));
}
