// Metrics that an environment names: the spec's names, checks of what a step gives, wrappers.
#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "genkidama/core/error.h"
#include "genkidama/env/action_repeat.h"
#include "genkidama/env/check_environment.h"
#include "genkidama/env/checked_environment.h"
#include "genkidama/env/frame_stack.h"
#include "genkidama/env/scaled_environment.h"
#include "genkidama/env/selected_observations.h"
#include "support/catch.h"
#include "support/metric_environment.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

const float kNan = std::numeric_limits<float>::quiet_NaN();

/// An episode of `length` steps, whose metrics after each step a case chooses.
class Told final : public DiscreteEnvironment {
 public:
  using Metrics = std::function<std::vector<float>(int step)>;
  Told(int length, Metrics metrics) : length_(length), metrics_(std::move(metrics)) {
    spec_ = {"Told", 1, 2, 3};
    spec_.metrics = {"success", "distance"};
  }
  const EnvironmentSpec& spec() const override { return spec_; }
  Observation reset(std::uint64_t) override {
    steps_ = 0;
    return observation_;
  }
  StepResult step(int) override {
    held_ = metrics_(++steps_);
    observation_[0] = static_cast<float>(steps_);
    return {observation_, 0, steps_ == length_, false, held_};
  }

 private:
  EnvironmentSpec spec_;
  int length_, steps_ = 0;
  Metrics metrics_;
  std::vector<float> held_, observation_{0};
};

std::string refusal(const std::function<void()>& body) {
  try {
    body();
  } catch (const ArgumentError& error) {
    return error.what();
  }
  return "";
}

/// The metrics that a checked episode ends with.
std::vector<float> play(Environment& environment) {
  environment.reset(1);
  while (true) {
    const StepResult result = environment.step(0);
    if (result.terminated || result.truncated) return {result.metrics.begin(), result.metrics.end()};
  }
}

std::vector<float> play(int length, Told::Metrics metrics) {
  return play(*make_checked(std::make_unique<Told>(length, std::move(metrics))));
}

std::string names_refused(const std::vector<std::string>& names) {
  EnvironmentSpec spec{"Task", 1, 2, 3};
  spec.metrics = names;
  return refusal([&] { completed(spec); });
}

std::string finding(int length, Told::Metrics metrics) {
  EnvironmentCheckOptions options;
  options.episodes = 2;
  const auto report = check_environment([&] { return std::make_unique<Told>(length, metrics); }, options);
  for (const EnvironmentFinding& each : report.findings) {
    if (each.name == "metrics") return each.text;
  }
  return "";
}

}  // namespace

TEST_CASE("names of metrics are checked with the spec", "[metrics]") {
  CHECK(names_refused({"success", "distance_2", "X"}).empty());
  CHECK(names_refused({std::string(64, 'a')}).empty());
  for (const std::string& name : {std::string(), std::string(65, 'a'), std::string("a b"), std::string("a,b"),
                                  std::string("caf\xc3\xa9"), std::string("a\n")}) {
    CHECK_THAT(names_refused({"good", name}), Catch::Contains("expected 1 to 64 letters, digits and '_'"));
  }
  CHECK(names_refused({"a", "b", "a"}) ==
        "environment 'Task': spec().metrics has the name 'a' twice, expected it once");
  std::vector<std::string> many;
  for (std::size_t i = 0; i < kMaxMetrics; ++i) many.emplace_back(i + 1, 'm');
  CHECK(names_refused(many).empty());
  many.push_back("more");
  CHECK_THAT(names_refused(many), Catch::Contains("17 names, expected at most 16"));
}

TEST_CASE("the metrics of an episode's last step come through the checks", "[metrics]") {
  using Floats = std::vector<float>;
  const auto always = [](int step) { return Floats{static_cast<float>(step), 0.5f}; };
  CHECK(play(2, always) == Floats{2, 0.5f});
  // The time limit, which the environment leaves to the library.
  CHECK(play(100, always) == Floats{3, 0.5f});
  const auto at_the_end = [](int step) { return step == 2 ? Floats{1, 7} : Floats{}; };
  CHECK(play(2, at_the_end) == Floats{1, 7});
  // What is no end's need not be finite.
  CHECK(play(2, [](int step) { return Floats{1, step == 2 ? 7 : kNan}; }) == Floats{1, 7});
}

TEST_CASE("metrics of another number, or that are not finite, are refused", "[metrics]") {
  using Floats = std::vector<float>;
  const auto refused = [](int length, const Told::Metrics& metrics) {
    return refusal([&] { play(length, metrics); });
  };
  const auto none = [](int) { return Floats{}; };
  const auto one = [](int) { return Floats{1}; };
  const auto bad = [](int) { return Floats{1, kNan}; };
  CHECK(refused(1, none) ==
        "environment 'Told': step() gave 0 metrics at the episode's end, expected 2, as many as "
        "spec().metrics names");
  CHECK_THAT(refused(100, none), Catch::Contains("gave 0 metrics at the episode's end"));
  CHECK_THAT(refused(2, one), Catch::Contains("step() gave 1 metrics, expected 2"));
  CHECK(refused(2, bad) ==
        "environment 'Told': step() gave nan as metric 'distance' at the episode's end, expected a finite "
        "number");
  CHECK(finding(1, none) ==
        "step() gave 0 metrics at an episode's end; expected 2, as many as spec().metrics names");
  CHECK_THAT(finding(100, none), Catch::Contains("gave 0 metrics"));
  CHECK_THAT(finding(2, one), Catch::Contains("step() gave 1 metrics; expected 2"));
  CHECK_THAT(finding(2, bad), Catch::Contains("gave nan as metric 'distance'"));
  CHECK(finding(2, [](int) { return Floats{1, 2}; }).empty());
}

TEST_CASE("an environment whose spec names no metrics must give none", "[metrics]") {
  class Chatty final : public MetricEnvironment {
   public:
    const EnvironmentSpec& spec() const override { return spec_; }

   private:
    EnvironmentSpec spec_{"Chatty", 1, 2, 9};
  };
  CHECK_THAT(refusal([] { play(*make_checked(std::make_unique<Chatty>())); }),
             Catch::Contains("gave 2 metrics at the episode's end, expected 0"));
}

TEST_CASE("wrappers pass metrics on", "[metrics]") {
  const std::vector<float> expected = play(*make_metric_environment());
  REQUIRE(expected.size() == 2);
  const auto wrapped = [](auto wrap) { return make_checked(wrap(make_metric_environment())); };
  for (const auto& environment :
       {wrapped([](auto inner) {
          return make_scaled(std::move(inner), {{0}, {2}});
        }),
        wrapped([](auto inner) { return make_selected(std::move(inner), {0}); }),
        wrapped([](auto inner) { return make_frame_stack(std::move(inner), 3); }),
        wrapped([](auto inner) { return make_action_repeat(std::move(inner), 2); })}) {
    CHECK(environment->spec().metrics == std::vector<std::string>{"length", "odd"});
    CHECK(play(*environment) == expected);
  }
}
