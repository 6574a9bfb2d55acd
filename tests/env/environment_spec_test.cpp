#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/env/check_environment.h"
#include "genkidama/env/checked_environment.h"
#include "genkidama/env/environment.h"
#include "genkidama/env/scaled_environment.h"
#include "support/catch.h"

namespace genkidama::test {
namespace {

using Catch::Contains;

/// A task with an image, two choices and a bounded component: it ends when the component is above 0.9.
class Hybrid final : public Environment {
 public:
  Hybrid() {
    spec_.name = "hybrid";
    spec_.observation_shape = {1, 2, 3};
    spec_.action_space = {.choices = {2, 3}, .low = {-1}, .high = {1}};
    spec_.time_limit = 20;
  }
  const EnvironmentSpec& spec() const override { return spec_; }
  Observation reset(std::uint64_t seed) override {
    for (std::size_t i = 0; i < 6; ++i) image_[i] = static_cast<float>(Random(seed + i).below(256));
    steps_ = 0;
    return image_;
  }
  StepResult step(Action action) override {
    check_action("hybrid", spec_.action_space, action);
    image_[0] = action[0];
    image_[1] = action[1];
    const bool done = action[2] > 0.9f;
    return {image_, action[2], done, ++steps_ == spec_.time_limit && !done};
  }

 private:
  EnvironmentSpec spec_;
  std::vector<float> image_ = std::vector<float>(6);
  int steps_ = 0;
};

EnvironmentSpec spec_of(int size, int count) {
  EnvironmentSpec spec;
  spec.name = "task";
  spec.observation_size = size;
  spec.action_count = count;
  spec.time_limit = 10;
  return spec;
}

TEST_CASE("the short form of a spec is completed to a vector and one choice") {
  const EnvironmentSpec spec = completed(spec_of(8, 4));
  CHECK(spec.observation_shape == std::vector<int>{8});
  CHECK(spec.action_space == ActionSpace{{4}, {}, {}});
  CHECK(spec.observation_size == 8);
  CHECK(spec.action_count == 4);
  // Completing once more changes nothing.
  CHECK(completed(spec).action_space == spec.action_space);
}

TEST_CASE("the long form of a spec is completed with sizes") {
  const EnvironmentSpec spec = completed(Hybrid().spec());
  CHECK(spec.observation_size == 6);
  CHECK(spec.action_count == 0);
  EnvironmentSpec one_choice = spec_of(2, 0);
  one_choice.action_space.choices = {5};
  CHECK(completed(one_choice).action_count == 5);
}

TEST_CASE("a spec whose fields contradict each other is refused by name") {
  const auto refused = [](EnvironmentSpec spec, const char* text) {
    CHECK_THROWS_AS(completed(spec), ArgumentError);
    CHECK_THROWS_WITH(completed(spec), Contains("'task'") && Contains(text));
  };
  EnvironmentSpec spec = spec_of(7, 2);
  spec.observation_shape = {2, 4};
  refused(spec, "observation_size is 7, but observation_shape [2, 4] has 8 floats");
  spec = spec_of(0, 2);
  spec.observation_shape = {2, 0};
  refused(spec, "observation_shape is [2, 0], expected dimensions of at least 1");
  spec.observation_shape = {1 << 20, 1 << 20};
  refused(spec, "floats in all");
  spec = spec_of(1, 2);
  spec.action_space.choices = {3};
  refused(spec, "action_count is 2, but action_space is one of 3 choices");
  spec.action_space = {.choices = {}, .low = {0}, .high = {1}};
  refused(spec, "action_count is 2, but action_space is 1 continuous component");
  spec = spec_of(1, (1 << 24) + 1);
  refused(spec, "16777217 alternatives");
  spec = spec_of(1, 0);
  refused(spec, "action_count is 0, expected at least 1");
  spec.action_space = {.choices = {}, .low = {1}, .high = {0}};
  refused(spec, "bounds 1 and 0");
}

void keeps_the_contract(const EnvironmentFactory& make) {
  EnvironmentCheckOptions options;
  options.try_invalid_actions = true;
  const EnvironmentReport report = check_environment(make, options);
  CAPTURE(to_text(report));
  CHECK(report.ok());
  CHECK(std::none_of(report.findings.begin(), report.findings.end(),
                     [](const auto& finding) { return finding.name == "invalid-action"; }));
  CHECK(report.spec.action_space.width() == 3);
  CHECK(report.steps > 0);
}

TEST_CASE("an environment with an image and a hybrid action keeps the contract, bare, checked and scaled") {
  keeps_the_contract([] { return std::make_unique<Hybrid>(); });
  keeps_the_contract([] { return make_checked(std::make_unique<Hybrid>()); });
  keeps_the_contract([] {
    return make_scaled(std::make_unique<Hybrid>(),
                       {std::vector<float>(6, 128), std::vector<float>(6, 1 / 64.0f)});
  });
}

TEST_CASE("an environment that takes actions outside its space is warned about") {
  class Lax : public Environment {
   public:
    const EnvironmentSpec& spec() const override { return hybrid_.spec(); }
    Observation reset(std::uint64_t seed) override { return hybrid_.reset(seed); }
    StepResult step(Action action) override {
      std::vector<float> clipped(action.begin(), action.end());
      if (clipped.size() == 3) clipped[2] = std::clamp(clipped[2], -1.0f, 1.0f);
      return hybrid_.step(Action(clipped));
    }

   private:
    Hybrid hybrid_;
  };
  EnvironmentCheckOptions options;
  options.try_invalid_actions = true;
  const EnvironmentReport report = check_environment([] { return std::make_unique<Lax>(); }, options);
  CHECK(std::any_of(report.findings.begin(), report.findings.end(), [](const auto& finding) {
    return finding.name == "invalid-action" &&
           finding.text.find("outside the action space: 2 choices and 1 continuous component") !=
               std::string::npos;
  }));
}

TEST_CASE("a checked environment names what is wrong with an action of several components") {
  const auto checked = make_checked(std::make_unique<Hybrid>());
  checked->reset(1);
  const auto play = [&checked](std::vector<float> action) { checked->step(Action(action)); };
  CHECK_THROWS_WITH(play({0, 3, 0}),
                    Contains("environment 'hybrid': step() given 3 as choice 1 of its action"));
  CHECK_THROWS_WITH(checked->step(1), Contains("an action of 1 numbers, expected 3"));
  CHECK_NOTHROW(play({1, 2, 0.5f}));
}

/// Tells which choice reached it.
class Listener final : public DiscreteEnvironment {
 public:
  const EnvironmentSpec& spec() const override { return spec_; }
  Observation reset(std::uint64_t) override { return observation_; }
  StepResult step(int choice) override {
    heard = choice;
    return {observation_, 0, false, false};
  }
  int heard = 0;

 private:
  EnvironmentSpec spec_ = spec_of(1, 1 << 24);
  std::vector<float> observation_{0};
};

TEST_CASE("a discrete environment gets the whole number of an action, and refuses any other") {
  Listener listener;
  Environment& environment = listener;
  environment.step(7);
  CHECK(listener.heard == 7);
  for (const int choice : {0, -3, (1 << 24) - 1}) {
    const std::vector<float> action{static_cast<float>(choice)};
    environment.step(Action(action));
    CHECK(listener.heard == choice);
  }
  for (const std::vector<float>& action : {std::vector<float>{},
                                           {1, 2},
                                           {0.5f},
                                           {std::nanf("")},
                                           {1e30f},
                                           {-std::numeric_limits<float>::infinity()}}) {
    CAPTURE(action);
    CHECK_THROWS_AS(environment.step(Action(action)), ArgumentError);
    CHECK_THROWS_WITH(environment.step(Action(action)),
                      Contains("'task'") && Contains("expected one whole number"));
  }
}

}  // namespace
}  // namespace genkidama::test
