#include "genkidama/env/check_environment.h"

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/env/canvas.h"
#include "genkidama/env/cart_pole.h"
#include "support/catch.h"

using namespace genkidama;

namespace {

/// A walk on a line, from a random place to either end, with a fault that the case chooses.
class Faulty final : public DiscreteEnvironment {
 public:
  struct Fault {
    std::function<void(EnvironmentSpec&)> spec{};
    std::function<void(Faulty&)> reset{};              ///< after the reset
    std::function<void(Faulty&, StepResult&)> step{};  ///< after the step
    std::function<Observation(Faulty&)> observe{};     ///< instead of its own
    std::function<void(const Faulty&, Canvas&)> draw{};
    bool takes_any_action = false;
  };

  explicit Faulty(const Fault& fault) : fault_(fault) {
    spec_ = {"Faulty", 2, 2, 20};
    if (fault_.spec) fault_.spec(spec_);
  }
  const EnvironmentSpec& spec() const override { return spec_; }
  Observation reset(std::uint64_t seed) override {
    place = static_cast<int>(Random(seed).below(5)) - 2;
    steps = 0;
    if (fault_.reset) fault_.reset(*this);
    return observe();
  }
  StepResult step(int action) override {
    if (!fault_.takes_any_action && (action < 0 || action > 1)) throw ArgumentError("Faulty: no such action");
    place += action == 1 ? 1 : -1;
    ++steps;
    StepResult result;
    result.observation = observe();
    result.terminated = place == 5 || place == -5;
    result.truncated = !result.terminated && steps == 20;
    result.reward = place == 5 ? 1.0f : -0.1f;
    if (fault_.step) fault_.step(*this, result);
    return result;
  }

  void draw(Canvas& canvas) const override {
    if (fault_.draw) fault_.draw(*this, canvas);
  }

  mutable int place = 0;
  int steps = 0;
  int episodes = 0;
  std::vector<float> values = {0, 0};
  EnvironmentSpec spec_;

 private:
  Observation observe() {
    if (fault_.observe) return fault_.observe(*this);
    values[0] = static_cast<float>(place) / 5;
    values[1] = static_cast<float>(steps) / 20;
    return values;
  }

  Fault fault_;
};

EnvironmentReport report_on(const Faulty::Fault& fault, const EnvironmentCheckOptions& options = {}) {
  return check_environment([&] { return std::make_unique<Faulty>(fault); }, options);
}

/// The one finding is this, with these words in its text.
void expect(const EnvironmentReport& report, bool is_error, const std::string& name,
            const std::string& words) {
  CAPTURE(to_text(report));
  REQUIRE(report.findings.size() == 1);
  CHECK(report.findings[0].name == name);
  CHECK(report.findings[0].is_error == is_error);
  CHECK(report.ok() == !is_error);
  CHECK_THAT(report.findings[0].text, Catch::Contains(words));
  CHECK_THAT(to_text(report), Catch::Contains("[" + name + "]"));
}

constexpr bool kError = true;
constexpr bool kWarning = false;

}  // namespace

TEST_CASE("an environment without a fault has no finding, and the report has its figures") {
  EnvironmentCheckOptions options;
  options.try_invalid_actions = true;
  const EnvironmentReport report = report_on({}, options);
  CAPTURE(to_text(report));
  CHECK(report.findings.empty());
  CHECK(report.ok());
  CHECK(report.spec.name == "Faulty");
  CHECK(report.episodes == 20);
  CHECK(report.terminated + report.truncated == 20);
  CHECK(report.steps > 20);
  CHECK(report.steps <= 400);
  CHECK(report.lowest_return >= -2.01);
  CHECK(report.highest_return <= 1);
  CHECK(report.lowest_observation >= -1);
  CHECK(report.highest_observation <= 1);
  CHECK_THAT(to_text(report), Catch::Contains("keeps the contract"));
}

TEST_CASE("a check plays the same episodes for the same seed") {
  EnvironmentCheckOptions options;
  options.seed = 3;
  CHECK(to_text(report_on({}, options)) == to_text(report_on({}, options)));
  const auto three = report_on({}, options);
  options.seed = 4;
  CHECK(to_text(report_on({}, options)) != to_text(three));
}

TEST_CASE("a drawing that breaks a rule is a warning, and one that changes the episode an error") {
  CHECK(report_on({.draw = [](const Faulty&, Canvas& canvas) { canvas.view({}, {}); }}).findings.empty());
  expect(report_on({.draw = [](const Faulty&, Canvas& canvas) { canvas.circle({}, 1, {}); }}), kWarning,
         "draw", "in draw(), circle() was called before there was a view");
  expect(report_on({.draw = [](const Faulty&, Canvas&) { throw std::runtime_error("no paint"); }}), kError,
         "exception", "draw() threw an exception: no paint");
  const auto moves = [](const Faulty& environment, Canvas&) {
    environment.place = environment.place > 0 ? -1 : 1;
  };
  expect(report_on({.draw = moves}), kError, "draw-changes", "when it was drawn, first at step");
}

TEST_CASE("a factory that makes nothing is an error") {
  expect(check_environment(EnvironmentFactory()), kError, "factory", "empty or returned nullptr");
  expect(check_environment([] { return std::unique_ptr<Environment>(); }), kError, "factory", "nullptr");
  expect(
      check_environment([]() -> std::unique_ptr<Environment> { throw std::runtime_error("no such device"); }),
      kError, "factory", "no such device");
}

TEST_CASE("a spec that cannot be, or that changes, is an error") {
  expect(report_on({.spec = [](EnvironmentSpec& spec) { spec.observation_size = 0; }}), kError, "spec",
         "observation_size is 0");
  expect(report_on({.spec = [](EnvironmentSpec& spec) { spec.action_count = -1; }}), kError, "spec",
         "action_count is -1");
  expect(report_on({.spec = [](EnvironmentSpec& spec) { spec.time_limit = 0; }}), kError, "spec",
         "time_limit is 0");
  expect(report_on({.spec = [](EnvironmentSpec& spec) { spec.name.clear(); }}), kWarning, "name", "empty");
  expect(report_on({.reset = [](Faulty& self) { self.spec_.time_limit = 30; }}), kError, "spec-changes",
         "not what it was");
}

TEST_CASE("observations and rewards that training cannot use are errors") {
  expect(report_on({.observe = [](Faulty& self) { return Observation(self.values).first(1); }}), kError,
         "observation-size", "1 values; expected 2");
  expect(report_on({.step = [](Faulty& self,
                               StepResult& r) { r.observation = Observation(self.values).first(0); }}),
         kError, "observation-size", "step() gave an observation of 0 values");
  expect(report_on({.observe =
                        [](Faulty& self) {
                          self.values[1] = self.steps == 3 ? std::nanf("") : 0;
                          return Observation(self.values);
                        }}),
         kError, "observation-finite", "nan as observation value 1");
  expect(
      report_on({.step = [](Faulty&, StepResult& r) { r.reward = std::numeric_limits<float>::infinity(); }}),
      kError, "reward-finite", "inf");
}

TEST_CASE("what an environment throws is an error with its text and place") {
  expect(report_on({.reset = [](Faulty&) { throw std::runtime_error("sensor lost"); }}), kError, "exception",
         "sensor lost");
  expect(report_on({.step =
                        [](Faulty& self, StepResult&) {
                          if (self.steps == 2) throw std::runtime_error("motor lost");
                        }}),
         kError, "exception", "as step 2 of its episode: motor lost");
}

TEST_CASE("randomness that does not follow from the seed is an error") {
  Random random(1);
  expect(report_on({.reset = [&](Faulty& self) { self.place = static_cast<int>(random.below(5)) - 2; }}),
         kError, "same-seed", "first at reset()");
  expect(report_on({.step =
                        [&](Faulty& self, StepResult& r) {
                          if (self.steps == 2) r.reward = static_cast<float>(random.uniform());
                        }}),
         kError, "same-seed", "first at step 2");
}

TEST_CASE("an episode that depends on those before it is an error") {
  // What was left of the episode before is paid in the next one.
  expect(report_on({.reset = [](Faulty& self) { ++self.episodes; },
                    .step =
                        [](Faulty& self, StepResult& r) {
                          if (self.steps == 1) r.reward -= 0.01f * static_cast<float>(self.episodes);
                        }}),
         kError, "reset", "first at step 1");
}

TEST_CASE("instances that share something that changes are an error") {
  static int played;  // by whichever instance
  expect(
      report_on({.reset = [](Faulty&) { played = 0; },
                 .step = [](Faulty&, StepResult& r) { r.reward -= 0.01f * static_cast<float>(++played); }}),
      kError, "shared-state", "while another instance was played");
  static std::vector<float> common;
  expect(report_on({.observe =
                        [](Faulty& self) {
                          common = {static_cast<float>(self.place) / 5, static_cast<float>(self.steps) / 20};
                          return Observation(common);
                        }}),
         kError, "shared-state", "an observation changed");
}

TEST_CASE("ends that the library mends are warnings") {
  expect(report_on({.step = [](Faulty&, StepResult& r) { r.truncated = r.truncated || r.terminated; }}),
         kWarning, "both-ends", "at once");
  expect(report_on(
             {.step = [](Faulty& self, StepResult& r) { r.truncated = !r.terminated && self.steps == 15; }}),
         kWarning, "early-truncation", "after 15 steps");
  expect(report_on({.step = [](Faulty&, StepResult& r) { r.truncated = false; }}), kWarning, "time-limit",
         "goes on after spec().time_limit, which is 20");
}

TEST_CASE("an episode that does not end within the steps of the check is a warning") {
  const auto endless = [](EnvironmentSpec& spec) { spec.time_limit = 2'000'000'000; };
  EnvironmentCheckOptions options;
  options.max_episode_steps = 50;
  const auto report = report_on(
      {.spec = endless, .step = [](Faulty&, StepResult& r) { r.terminated = r.truncated = false; }}, options);
  expect(report, kWarning, "no-end", "within 50 steps");
  CHECK(report.steps == 20 * 50);
}

TEST_CASE("an environment without a time limit is one, and may truncate when it likes") {
  const auto unlimited = [](EnvironmentSpec& spec) { spec.time_limit = std::numeric_limits<int>::max(); };
  const auto report = report_on({.spec = unlimited, .step = [](Faulty& self, StepResult& r) {
                                   r.truncated = !r.terminated && self.steps == 15;
                                 }});
  CHECK_THAT(to_text(report), Catch::Contains("time limit none"));
  CHECK_THAT(to_text(report), !Catch::Contains("2147483647") && !Catch::Contains("early-truncation"));
  EnvironmentCheckOptions options;
  options.max_episode_steps = 50;
  const auto endless = report_on(
      {.spec = unlimited, .step = [](Faulty&, StepResult& r) { r.terminated = r.truncated = false; }},
      options);
  expect(endless, kWarning, "no-end", "spec().time_limit is none");
  CHECK(report_on({.spec = [](EnvironmentSpec& spec) { spec.time_limit = 21; }}).spec.time_limit == 21);
}

TEST_CASE("seeds and actions without an effect are warnings") {
  expect(report_on({.reset = [](Faulty& self) { self.place = 0; }}), kWarning, "seeds", "9 seeds");
  EnvironmentCheckOptions options;
  options.seeds_matter = false;
  CHECK(report_on({.reset = [](Faulty& self) { self.place = 0; }}, options).findings.empty());
  expect(report_on({.step =
                        [](Faulty& self, StepResult& r) {
                          r.terminated = false;
                          r.truncated = self.steps == 20;
                          r.reward = static_cast<float>(self.steps) * 0.1f;
                        },
                    .observe =
                        [](Faulty& self) {
                          self.place = self.steps == 0 ? self.place : (self.place < 0 ? -1 : 1);
                          self.values = {self.steps == 0 ? 0.1f * static_cast<float>(self.place) : 0,
                                         static_cast<float>(self.steps)};
                          return Observation(self.values);
                        }}),
         kWarning, "actions", "nothing to learn");
}

TEST_CASE("figures that learning suffers from are warnings") {
  EnvironmentCheckOptions options;
  options.seeds_matter = false;  // a constant observation does not show them
  expect(report_on({.observe =
                        [](Faulty& self) {
                          self.values = {static_cast<float>(self.place) * 1000, 0};
                          return Observation(self.values);
                        }}),
         kWarning, "observation-scale", "5000 in size");
  expect(report_on({.observe =
                        [](Faulty& self) {
                          self.values = {7, 7};
                          return Observation(self.values);
                        }},
                   options),
         kWarning, "observation-constant", "is 7");
  expect(report_on({.step = [](Faulty&, StepResult& r) { r.reward *= 1e6f; }}), kWarning, "reward-scale",
         "reward_scale");
  expect(report_on({.step = [](Faulty&, StepResult& r) { r.reward = 0; }}), kWarning, "reward-constant",
         "every step paid 0");
}

TEST_CASE("actions out of range are tried only when asked for") {
  CHECK(report_on({.takes_any_action = true}).findings.empty());
  EnvironmentCheckOptions options;
  options.try_invalid_actions = true;
  expect(report_on({.takes_any_action = true}, options), kWarning, "invalid-action", "step(-1) was accepted");
}

TEST_CASE("a policy reaches what random actions do not") {
  EnvironmentCheckOptions options;
  options.policy = [](Observation state) {
    return state[2] + 0.5f * state[3] + 0.01f * state[0] > 0 ? 1 : 0;
  };
  CHECK(check_environment(make_cart_pole, options).truncated > 0);
  CHECK(check_environment(make_cart_pole).truncated == 0);
}

TEST_CASE("options of a check that are out of range are refused by name") {
  CHECK_THROWS_WITH(report_on({}, {.episodes = 0}), Catch::Contains("episodes is 0"));
  CHECK_THROWS_WITH(report_on({}, {.max_episode_steps = -5}), Catch::Contains("max_episode_steps is -5"));
  CHECK_THROWS_AS(report_on({}, {.episodes = 0}), ArgumentError);
}
