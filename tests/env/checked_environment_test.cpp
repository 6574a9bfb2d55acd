#include "genkidama/env/checked_environment.h"

#include <limits>
#include <memory>
#include <vector>

#include "genkidama/core/error.h"
#include "support/catch.h"

namespace genkidama {
namespace {

using Catch::Contains;

// Returns what a test tells it to.
class Puppet final : public DiscreteEnvironment {
 public:
  Puppet() {
    spec_.name = "puppet";
    spec_.observation_size = 2;
    spec_.action_count = 3;
    spec_.time_limit = 4;
  }
  const EnvironmentSpec& spec() const override { return spec_; }
  Observation reset(std::uint64_t) override { return observation; }
  StepResult step(int) override {
    StepResult result;
    result.observation = observation;
    result.reward = reward;
    result.terminated = terminated;
    result.truncated = truncated;
    return result;
  }

  EnvironmentSpec spec_;
  std::vector<float> observation{0, 0};
  float reward = 0;
  bool terminated = false;
  bool truncated = false;
};

struct Fixture {
  std::unique_ptr<Puppet> owned = std::make_unique<Puppet>();
  Puppet* puppet = owned.get();
  std::unique_ptr<Environment> checked = make_checked(std::move(owned));
};

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST_CASE("a spec without observations, actions or time is refused by name") {
  const auto refuse = [](int EnvironmentSpec::*field, int value, const char* text) {
    auto puppet = std::make_unique<Puppet>();
    puppet->spec_.*field = value;
    CHECK_THROWS_AS(make_checked(std::make_unique<Puppet>(*puppet)), ArgumentError);
    CHECK_THROWS_WITH(make_checked(std::move(puppet)), Contains("puppet") && Contains(text));
  };
  refuse(&EnvironmentSpec::observation_size, 0, "observation_size is 0, expected at least 1");
  refuse(&EnvironmentSpec::action_count, -2, "action_count is -2, expected at least 1");
  refuse(&EnvironmentSpec::time_limit, 0, "time_limit is 0, expected at least 1");
}

TEST_CASE("a factory that made no environment is refused") {
  CHECK_THROWS_AS(make_checked(nullptr), ArgumentError);
}

TEST_CASE("an observation of another size is refused, from reset and from step") {
  Fixture f;
  f.checked->reset(0);
  f.puppet->observation = {1, 2, 3};
  CHECK_THROWS_WITH(f.checked->step(0), Contains("puppet") && Contains("3 values, expected 2"));
  CHECK_THROWS_AS(f.checked->reset(0), ArgumentError);
  f.puppet->observation.clear();
  CHECK_THROWS_WITH(f.checked->reset(0), Contains("0 values, expected 2"));
}

TEST_CASE("an observation or reward that is not finite is refused") {
  for (const float bad : {kNan, kInfinity, -kInfinity}) {
    Fixture f;
    f.checked->reset(0);
    f.puppet->observation[1] = bad;
    CHECK_THROWS_WITH(f.checked->step(0), Contains("as observation value 1"));
    CHECK_THROWS_AS(f.checked->reset(0), ArgumentError);
    f.puppet->observation[1] = 0;
    f.checked->reset(0);
    f.puppet->reward = bad;
    CHECK_THROWS_WITH(f.checked->step(0), Contains("gave reward"));
  }
}

TEST_CASE("an action out of range is refused and the episode goes on") {
  Fixture f;
  f.checked->reset(0);
  CHECK_THROWS_WITH(f.checked->step(3), Contains("given action 3, expected 0 to 2"));
  CHECK_THROWS_AS(f.checked->step(-1), ArgumentError);
  CHECK_NOTHROW(f.checked->step(2));
}

TEST_CASE("a step outside an episode is refused") {
  Fixture f;
  CHECK_THROWS_WITH(f.checked->step(0), Contains("outside an episode"));
  f.checked->reset(0);
  f.puppet->terminated = true;
  CHECK(f.checked->step(0).terminated);
  CHECK_THROWS_AS(f.checked->step(0), ArgumentError);
  f.puppet->terminated = false;
  f.checked->reset(0);
  CHECK_NOTHROW(f.checked->step(0));
}

TEST_CASE("an episode that gave a bad value is over") {
  Fixture f;
  f.checked->reset(0);
  f.puppet->reward = kNan;
  CHECK_THROWS_AS(f.checked->step(0), ArgumentError);
  f.puppet->reward = 0;
  CHECK_THROWS_WITH(f.checked->step(0), Contains("outside an episode"));
}

TEST_CASE("an environment that runs past its time limit is truncated there") {
  Fixture f;
  for (int episode = 0; episode < 2; ++episode) {
    f.checked->reset(0);
    for (int i = 0; i < 3; ++i) CHECK_FALSE(f.checked->step(0).truncated);
    CHECK(f.checked->step(0).truncated);
  }
}

TEST_CASE("an end at the time limit is an end, not a truncation") {
  Fixture f;
  f.checked->reset(0);
  for (int i = 0; i < 3; ++i) f.checked->step(0);
  f.puppet->terminated = true;
  f.puppet->truncated = true;
  const StepResult result = f.checked->step(0);
  CHECK(result.terminated);
  CHECK_FALSE(result.truncated);
}

TEST_CASE("an environment may truncate before its time limit") {
  Fixture f;
  f.checked->reset(0);
  f.puppet->truncated = true;
  CHECK(f.checked->step(0).truncated);
  CHECK_THROWS_AS(f.checked->step(0), ArgumentError);
}

}  // namespace
}  // namespace genkidama
