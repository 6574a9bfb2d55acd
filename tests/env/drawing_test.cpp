#include "genkidama/env/drawing.h"

#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "env/classic_control.h"
#include "env/draw_action.h"
#include "genkidama/core/random.h"
#include "genkidama/env/bundled_tasks.h"
#include "genkidama/env/checked_environment.h"
#include "genkidama/env/frame_stack.h"
#include "genkidama/env/lunar_lander.h"
#include "support/catch.h"

namespace genkidama {
namespace {

constexpr Colour kRed{200, 0, 0};
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

template <typename Shape>
std::vector<Shape> shapes_of(const Drawing& drawing) {
  std::vector<Shape> found;
  for (const Drawing::Shape& shape : drawing.shapes()) {
    if (const auto* match = std::get_if<Shape>(&shape)) found.push_back(*match);
  }
  return found;
}

/// All that an episode of random actions gives; it is drawn at each step or never.
std::vector<float> trajectory(Environment& environment, bool is_drawn) {
  const ActionSpace space = completed(environment.spec()).action_space;
  Random random(7);
  std::vector<float> all;
  const auto take = [&](Observation observation) {
    all.insert(all.end(), observation.begin(), observation.end());
    if (is_drawn) drawing_of(environment);
  };
  take(environment.reset(3));
  for (int i = 0; i < 150; ++i) {
    const StepResult result = environment.step(Action(draw_action(space, random)));
    all.push_back(result.reward);
    take(result.observation);
    if (result.terminated || result.truncated) break;
  }
  return all;
}

TEST_CASE("every bundled task draws itself within the rules, and plays the same episode as undrawn") {
  for (const BundledTask& task : bundled_tasks()) {
    CAPTURE(task.name);
    const auto drawn = task.make(), undrawn = task.make();
    CHECK(trajectory(*drawn, true) == trajectory(*undrawn, false));
    const Drawing drawing = drawing_of(*drawn);
    CAPTURE(drawing.problem());
    CHECK(drawing.problem().empty());
    REQUIRE(drawing.has_view());
    CHECK(drawing.shapes().size() >= 3);
  }
}

TEST_CASE("wrappers draw what they are around") {
  const auto inner = make_lunar_lander();
  inner->reset(5);
  const Drawing expected = drawing_of(*inner);
  const auto wrapped = make_frame_stack(make_checked(make_lunar_lander()), 2);
  wrapped->reset(5);
  CHECK(drawing_of(*wrapped).shapes() == expected.shapes());
}

TEST_CASE("before its first episode a task draws nothing, or a state that is sound") {
  for (const BundledTask& task : bundled_tasks()) {
    CAPTURE(task.name);
    CHECK(drawing_of(*task.make()).problem().empty());
  }
}

TEST_CASE("CartPole's pole stands on the cart at its angle") {
  CartPoleMotion motion;
  motion.state = {0.5, 0, 0.1, 0};
  Drawing drawing;
  motion.draw(drawing);
  CHECK(drawing.view().step_seconds == 0.02F);
  const auto lines = shapes_of<Drawing::Line>(drawing);
  REQUIRE(lines.size() == 2);  // the rail and the pole
  CHECK(lines[1].points[0] == Point{0.5F, 1});
  CHECK(lines[1].points[1].x == Approx(0.5 + std::sin(0.1)));
  CHECK(lines[1].points[1].y == Approx(1 + std::cos(0.1)));
  CHECK(shapes_of<Drawing::Circle>(drawing).size() == 3);

  const std::array<float, 1> right{1};
  motion.advance(Action(right));
  Drawing pushed;
  motion.draw(pushed);
  CHECK(shapes_of<Drawing::Line>(pushed).size() == 3);  // and the arrow of the push
}

TEST_CASE("a long pole fits into the picture") {
  CartPoleMotion motion;
  motion.constants.pole_half_length = 5;
  Drawing drawing;
  motion.draw(drawing);
  const Drawing::Line pole = shapes_of<Drawing::Line>(drawing).back();
  CHECK(pole.points[1].y < drawing.view().top);
}

TEST_CASE("LunarLander's flames are those of the engines that fired") {
  const auto lander = make_lunar_lander();
  const auto shapes_after = [&](float action) {
    lander->reset(1);
    lander->step(Action(&action, 1));
    return drawing_of(*lander).shapes().size();
  };
  const std::size_t silent = shapes_after(0);
  for (const float engine : {1.0F, 2.0F, 3.0F}) CHECK(shapes_after(engine) == silent + 2);
}

TEST_CASE("a drawing leaves out what breaks a rule, and tells of the first") {
  Drawing drawing;
  const std::array<Point, 3> corners{Point{0, 0}, Point{1, 0}, Point{0, 1}};
  drawing.polygon(corners, kRed);
  CHECK(drawing.problem() == "polygon() was called before there was a view; expected view() first");
  drawing.view({0, 0, kNan, 1}, {});
  drawing.view({0, 0, 0, 1}, {});
  drawing.view({0, 0, 1, 1, 0}, {});
  CHECK_FALSE(drawing.has_view());
  drawing.view({0, 0, 2, 1}, kRed);
  REQUIRE(drawing.has_view());
  drawing.polygon(std::span(corners).first(2), kRed);
  drawing.polygon(std::array{corners[0], corners[1], Point{kNan, 0}}, kRed);
  drawing.line(corners, std::numeric_limits<float>::infinity(), kRed);
  drawing.line(std::span(corners).first(1), 1, kRed);
  drawing.circle({0, kNan}, 1, kRed);
  drawing.circle({}, -1, kRed);
  drawing.text({}, 0, "x", kRed);
  CHECK(drawing.shapes().empty());
  drawing.text({}, 1, "a\nb\xff", kRed);
  CHECK(shapes_of<Drawing::Text>(drawing).at(0).text == "a?b\xef\xbf\xbd");

  Drawing twice;
  twice.view({0, 0, 2, 1}, {});
  twice.view({0, 0, 3, 1}, {});
  CHECK(twice.view().right == 2);
  CHECK(twice.problem() == "view() was called twice; expected it once, before all primitives");
  Drawing bad_circle;
  bad_circle.view({0, 0, 2, 1}, {});
  bad_circle.circle({}, kNan, {});
  CHECK(bad_circle.problem() == "circle() was given the radius nan; expected a finite number above 0");
}

TEST_CASE("a drawing draws the same again, or some of its shapes") {
  Drawing drawing;
  drawing.view({0, 0, 2, 1, 0.5F}, kRed);
  for (int i = 1; i <= 4; ++i) drawing.circle({}, static_cast<float>(i), kRed);
  Drawing copy, part;
  drawing.draw_on(copy);
  drawing.draw_on(part, 1, 3);
  CHECK(copy.view() == drawing.view());
  CHECK(copy.background() == kRed);
  CHECK(copy.shapes() == drawing.shapes());
  REQUIRE(part.shapes().size() == 2);
  CHECK(part.shapes()[0] == drawing.shapes()[1]);
}

}  // namespace
}  // namespace genkidama
