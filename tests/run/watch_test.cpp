#include <array>
#include <limits>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "run/watch/pictures.h"
#include "support/catch.h"
#include "support/chain_environment.h"

namespace genkidama::run {
namespace {

/// Draws its present step as a circle.
class DrawnChain : public test::ChainEnvironment {
 public:
  void draw(Canvas& canvas) const override {
    canvas.view({0, 0, 3, 2, step_seconds}, {});
    canvas.circle({}, is_wrong ? std::numeric_limits<float>::quiet_NaN() : radius, {});
  }
  float radius = 1;
  float step_seconds = 0.01F;
  bool is_wrong = false;
};

picture::Film film_of(int steps, double speed, float step_seconds, bool* is_cut = nullptr) {
  DrawnChain environment;
  environment.step_seconds = step_seconds;
  Pictures pictures;
  FilmMaker maker(pictures, speed);
  for (int step = 0; step <= steps; ++step) {
    environment.radius = static_cast<float>(step + 1);
    maker.add(environment, {.steps = step, .is_over = step == steps});
  }
  if (is_cut != nullptr) *is_cut = maker.is_cut();
  return maker.take();
}

TEST_CASE("there are at most 25 pictures a second") {
  CHECK(steps_per_picture({.step_seconds = 0.02F}, 1) == 2);
  CHECK(steps_per_picture({.step_seconds = 0.04F}, 1) == 1);
  CHECK(steps_per_picture({.step_seconds = 0.2F}, 1) == 1);
  CHECK(steps_per_picture({.step_seconds = 0.2F}, 10) == 2);
  CHECK(steps_per_picture({.step_seconds = 0.02F}, 0.1) == 1);
  CHECK(steps_per_picture({.step_seconds = 1e-30F}, 1) == 1'000'000);
}

TEST_CASE("a film has each fourth state of a fast task, its first and its last, which stays for longer") {
  const picture::Film film = film_of(10, 1, 0.01F);
  REQUIRE(film.size() == 4);  // after 0, 4, 8 and 10 steps
  for (const auto& [frame, radius] : {std::pair(0, 1.0F), std::pair(2, 9.0F), std::pair(3, 11.0F)}) {
    const auto& drawing = film[static_cast<std::size_t>(frame)].drawing;
    CHECK(std::get<Drawing::Circle>(drawing.shapes().at(0)).radius == radius);
  }
  CHECK(film[0].seconds == Approx(0.04));
  CHECK(film[3].seconds == 1.5);
  const picture::Film slow = film_of(10, 0.5, 1);
  REQUIRE(slow.size() == 11);
  CHECK(slow[10].seconds == 2);
}

TEST_CASE("the film of a long episode ends before memory does") {
  bool is_cut = false;
  CHECK(film_of(static_cast<int>(FilmMaker::kMostFrames) + 5, 1, 1, &is_cut).size() ==
        FilmMaker::kMostFrames);
  CHECK(is_cut);
}

TEST_CASE("an environment that draws nothing cannot be watched, and one that draws nonsense warns once") {
  Pictures pictures;
  CHECK_THROWS_WITH(pictures.next(test::ChainEnvironment()),
                    Catch::Contains("environment 'Chain' cannot be watched: it draws nothing"));
  DrawnChain unseen;
  unseen.step_seconds = 0;
  CHECK_THROWS_WITH(pictures.next(unseen),
                    Catch::Contains("in draw(), view() was given") && Catch::Contains("0 seconds a step"));
  DrawnChain wrong;
  wrong.is_wrong = true;
  int warnings = 0;
  set_log_sink([&](LogLevel level, std::string_view text) {
    if (level == LogLevel::kWarning && text.find("radius nan") != std::string_view::npos) ++warnings;
  });
  CHECK(pictures.next(wrong).shapes().empty());
  pictures.next(wrong);
  set_log_sink({});
  CHECK(warnings == 1);
}

}  // namespace
}  // namespace genkidama::run
