#include "genkidama/env/action_space.h"

#include <limits>
#include <vector>

#include "genkidama/core/error.h"
#include "support/catch.h"

namespace genkidama {
namespace {

using Catch::Contains;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

const ActionSpace kOneChoice{.choices = {3}, .low = {}, .high = {}};
const ActionSpace kHybrid{.choices = {2, 5}, .low = {-1, -kInfinity}, .high = {1, 10}};

TEST_CASE("the width of an action is one float for each choice and each component") {
  CHECK(kOneChoice.width() == 1);
  CHECK(kOneChoice.is_one_choice());
  CHECK(kHybrid.width() == 4);
  CHECK_FALSE(kHybrid.is_one_choice());
  CHECK_FALSE(ActionSpace{{2, 2}, {}, {}}.is_one_choice());
  CHECK_FALSE(ActionSpace{{}, {0}, {1}}.is_one_choice());
  CHECK(ActionSpace{}.width() == 0);
}

TEST_CASE("a space in words says what an action is made of") {
  CHECK(action_space_text(kOneChoice) == "one of 3 choices");
  CHECK(action_space_text(kHybrid) == "2 choices and 2 continuous components");
  CHECK(action_space_text({{}, {0}, {1}}) == "1 continuous component");
  CHECK(action_space_text({{2, 3}, {}, {}}) == "2 choices");
}

TEST_CASE("actions inside a space are accepted, up to its borders") {
  CHECK_NOTHROW(check_action("t", kOneChoice, std::vector<float>{0}));
  CHECK_NOTHROW(check_action("t", kOneChoice, std::vector<float>{2}));
  CHECK_NOTHROW(check_action("t", kHybrid, std::vector<float>{1, 4, -1, -1e30f}));
  CHECK_NOTHROW(check_action("t", kHybrid, std::vector<float>{0, 0, 1, 10}));
}

TEST_CASE("an action outside a space is refused with what was given and what is expected") {
  const auto refused = [](const ActionSpace& space, const std::vector<float>& action, const char* text) {
    CHECK_THROWS_AS(check_action("task: step()", space, action), ArgumentError);
    CHECK_THROWS_WITH(check_action("task: step()", space, action),
                      Contains("task: step() given") && Contains(text));
  };
  refused(kOneChoice, {3}, "given action 3, expected 0 to 2");
  refused(kOneChoice, {-1}, "given action -1, expected 0 to 2");
  refused(kOneChoice, {0.5f}, "given action 0.5, expected 0 to 2");
  refused(kOneChoice, {kNan}, "given action nan, expected 0 to 2");
  refused(kOneChoice, {kInfinity}, "given action inf, expected 0 to 2");
  refused(kOneChoice, {}, "an action of 0 numbers, expected 1: one of 3 choices");
  refused(kOneChoice, {0, 0}, "an action of 2 numbers, expected 1");
  refused(kHybrid, {0, 5, 0, 0}, "given 5 as choice 1 of its action, expected 0 to 4");
  refused(kHybrid, {0, 0, 1.5f, 0}, "given 1.5 as component 0 of its action, expected -1 to 1");
  refused(kHybrid, {0, 0, kNan, 0}, "given nan as component 0");
  refused(kHybrid, {0, 0, 0, -kInfinity}, "given -inf as component 1");
  refused(kHybrid, {0, 0, 0}, "an action of 3 numbers, expected 4: 2 choices and 2 continuous components");
}

TEST_CASE("a space that holds no action is refused") {
  const auto refused = [](const ActionSpace& space, const char* text) {
    CHECK_THROWS_AS(check_action_space("task", space), ArgumentError);
    CHECK_THROWS_WITH(check_action_space("task", space), Contains("task") && Contains(text));
  };
  refused({}, "is empty, expected a choice or a continuous component");
  refused({{2, 0}, {}, {}}, "0 alternatives for choice 1, expected 1 to 16777216");
  refused({{(1 << 24) + 1}, {}, {}}, "16777217 alternatives");
  refused({{}, {0}, {}}, "1 lowest and 0 highest values");
  refused({{}, {1}, {1}}, "bounds 1 and 1 for component 0, expected the first below the second");
  refused({{}, {0, 2}, {1, 1}}, "bounds 2 and 1 for component 1, expected the first below the second");
  refused({{}, {kInfinity}, {kInfinity}}, "bounds inf and inf for component 0");
  refused({{}, {-kInfinity}, {-kInfinity}}, "bounds -inf and -inf for component 0");
  refused({{}, {0, kNan}, {1, 1}}, "for component 1");
  refused({{}, {0}, {kNan}}, "for component 0");
  CHECK_NOTHROW(check_action_space("task", kHybrid));
  CHECK_NOTHROW(check_action_space("task", {{1 << 24}, {}, {}}));
}

}  // namespace
}  // namespace genkidama
