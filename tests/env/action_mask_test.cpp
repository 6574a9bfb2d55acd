#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/env/action_repeat.h"
#include "genkidama/env/check_environment.h"
#include "genkidama/env/checked_environment.h"
#include "genkidama/env/frame_stack.h"
#include "genkidama/env/scaled_environment.h"
#include "genkidama/env/selected_observations.h"
#include "support/catch.h"
#include "support/target_environment.h"

namespace genkidama {
namespace {

using Catch::Contains;
using Mask = std::vector<std::uint8_t>;

const ActionSpace kChoices{.choices = {3, 2}, .low = {}, .high = {}};
const ActionSpace kHybrid{.choices = {4}, .low = {-1}, .high = {1}};

// Gives the mask that a test tells it to, whether it fits or not.
class Masked final : public test::TargetEnvironment {
 public:
  explicit Masked(Mask given, bool says_so = true)
      : TargetEnvironment(kChoices, says_so), mask(std::move(given)) {}
  StepResult step(Action action) override {
    StepResult result = TargetEnvironment::step(action);
    if (next) mask = *next;
    result.terminated = ends;
    return result;
  }
  ActionMask action_mask() const override { return mask; }

  Mask mask;
  std::optional<Mask> next;  ///< after the next step
  bool ends = false;
};

void refuse(const Mask& mask, const char* expected, bool says_so = true) {
  CAPTURE(expected);
  const auto checked = make_checked(std::make_unique<Masked>(mask, says_so));
  CHECK_THROWS_AS(checked->reset(1), ArgumentError);
  CHECK_THROWS_WITH(checked->reset(1), Contains("'Target'") && Contains(expected));
  // Not only after reset().
  if (!says_so) return;
  auto owned = std::make_unique<Masked>(Mask{1, 1, 1, 1, 1});
  Masked& later = *owned;
  const auto again = make_checked(std::move(owned));
  again->reset(1);
  later.next = mask;
  CHECK_THROWS_WITH(again->step(std::vector<float>{0, 0}), Contains(expected));
}

}  // namespace

TEST_CASE("a mask of the wrong size, with another byte or that forbids all of a choice is refused by name") {
  refuse({1, 1, 1, 1}, "4 bytes, expected 5");
  refuse({}, "0 bytes, expected 5");
  refuse({1, 1, 1, 1, 1, 1}, "6 bytes, expected 5");
  refuse({1, 1, 2, 1, 1}, "2 for alternative 2 of choice 0");
  refuse({1, 1, 1, 1, 255}, "255 for alternative 1 of choice 1");
  refuse({0, 0, 0, 0, 0}, "forbids all 3 alternatives of choice 0");
  refuse({1, 0, 1, 0, 0}, "forbids all 2 alternatives of choice 1");
  refuse({1, 1, 1, 1, 1}, "expected none", /*says_so=*/false);
}

TEST_CASE(
    "a masked alternative is refused, an allowed one is played, and no mask is asked for after the end") {
  auto owned = std::make_unique<Masked>(Mask{0, 1, 1, 1, 0});
  Masked& masked = *owned;
  const auto checked = make_checked(std::move(owned));
  checked->reset(1);
  CHECK(Mask(checked->action_mask().begin(), checked->action_mask().end()) == masked.mask);
  CHECK_THROWS_AS(checked->step(std::vector<float>{0, 0}), ArgumentError);
  CHECK_THROWS_WITH(checked->step(std::vector<float>{0, 0}),
                    Contains("'Target'") && Contains("given 0 as choice 0") && Contains("forbids"));
  CHECK_THROWS_WITH(checked->step(std::vector<float>{1, 1}), Contains("given 1 as choice 1"));
  CHECK_NOTHROW(checked->step(std::vector<float>{1, 0}));
  masked.ends = true;
  masked.next = Mask();
  CHECK(checked->step(std::vector<float>{1, 0}).terminated);
  CHECK(checked->action_mask().empty());
}

TEST_CASE("masks need a choice that can be masked") {
  EnvironmentSpec spec{"task", 3, 0, 10};
  spec.action_space = {.choices = {}, .low = {-1}, .high = {1}};
  spec.masks_actions = true;
  CHECK_THROWS_WITH(completed(spec),
                    Contains("'task'") && Contains("masks_actions") && Contains("expected a choice"));
}

TEST_CASE("wrappers pass masks on") {
  const auto bare = std::make_unique<test::TargetEnvironment>(kHybrid, true);
  const auto make = [] { return std::make_unique<test::TargetEnvironment>(kHybrid, true); };
  std::vector<std::unique_ptr<Environment>> wrapped;
  const std::vector<float> zeros(5, 0), ones(5, 1);
  wrapped.push_back(make_scaled(make(), {.offset = zeros, .scale = ones}));
  wrapped.push_back(make_selected(make(), {4}));
  wrapped.push_back(make_frame_stack(make(), 2));
  wrapped.push_back(make_action_repeat(make(), 2));
  bare->reset(5);
  for (const auto& environment : wrapped) {
    CHECK(environment->spec().masks_actions);
    environment->reset(5);
    const auto mask = environment->action_mask(), expected = bare->action_mask();
    CHECK(Mask(mask.begin(), mask.end()) == Mask(expected.begin(), expected.end()));
  }
}

TEST_CASE("an action is repeated only as long as the mask allows it") {
  // Allows another alternative after each step.
  class Turns final : public Environment {
   public:
    Turns() {
      spec_ = {"turns", 1, 2, 100};
      spec_.masks_actions = true;
      spec_ = completed(spec_);
    }
    const EnvironmentSpec& spec() const override { return spec_; }
    Observation reset(std::uint64_t) override {
      mask_ = {1, 0};
      return {&observation_, 1};
    }
    StepResult step(Action) override {
      mask_ = mask_ == Mask{1, 0} ? Mask{1, 1} : Mask{0, 1};
      StepResult result;
      result.observation = {&observation_, 1};
      result.reward = 1;
      return result;
    }
    ActionMask action_mask() const override { return mask_; }

   private:
    EnvironmentSpec spec_;
    float observation_ = 0;
    Mask mask_;
  };
  const auto repeated = make_action_repeat(std::make_unique<Turns>(), 5);
  repeated->reset(1);
  CHECK(repeated->step(std::vector<float>{0}).reward == 2);
  CHECK(repeated->step(std::vector<float>{1}).reward == 5);
}

TEST_CASE("check_environment plays masked environments, and names a mask that is wrong") {
  for (const ActionSpace& space : {kChoices, kHybrid}) {
    const EnvironmentReport report = check_environment(
        [&space] { return make_checked(std::make_unique<test::TargetEnvironment>(space, true)); });
    CAPTURE(to_text(report));
    CHECK(report.findings.empty());
  }
  for (const auto& [mask, says_so, text] :
       {std::tuple(Mask{1, 1, 1, 1}, true, "4 bytes"), std::tuple(Mask{0, 0, 0, 1, 1}, true, "forbids all 3"),
        std::tuple(Mask{1, 1, 1, 1, 1}, false, "masks_actions is not set")}) {
    const EnvironmentReport report = check_environment(
        [mask = mask, says_so = says_so] { return std::make_unique<Masked>(mask, says_so); });
    CAPTURE(to_text(report));
    REQUIRE(report.findings.size() == 1);
    CHECK(report.findings[0].name == "action-mask");
    CHECK(report.findings[0].is_error);
    CHECK_THAT(report.findings[0].text, Contains(text));
  }
}

}  // namespace genkidama
