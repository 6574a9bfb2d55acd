#include "genkidama/env/lamplighter.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/env/check_environment.h"
#include "support/catch.h"

namespace genkidama {
namespace {

using Cell = std::pair<int, int>;  // row, column

/// What a player sees.
struct Picture {
  int racket = -1;  // column of its middle
  Cell ball, trail;
  std::set<Cell> lamps;
};

std::vector<Cell> cells_of(Observation image, int channel) {
  std::vector<Cell> cells;
  for (int i = 0; i < 100; ++i) {
    const float value = image[static_cast<std::size_t>(100 * channel + i)];
    if (value != 0 && value != 1) FAIL("a pixel is " << value);
    if (value == 1) cells.emplace_back(i / 10, i % 10);
  }
  return cells;
}

Picture picture_of(Observation image) {
  REQUIRE(image.size() == 400);
  const std::vector<Cell> racket = cells_of(image, 0), ball = cells_of(image, 1), trail = cells_of(image, 2),
                          lamps = cells_of(image, 3);
  REQUIRE(racket.size() == 3);
  for (int i = 0; i < 3; ++i) {
    const Cell expected(9, racket[0].second + i);
    REQUIRE(racket[static_cast<std::size_t>(i)] == expected);
  }
  REQUIRE(ball.size() == 1);
  REQUIRE(trail.size() == 1);
  return {racket[1].second, ball[0], trail[0], {lamps.begin(), lamps.end()}};
}

using Player = std::function<int(const Picture&)>;

/// The racket goes to the column of the ball.
int follow(const Picture& seen) {
  if (seen.ball.second == seen.racket) return 0;
  return seen.ball.second < seen.racket ? 1 : 2;
}

/// Follows the ball, and steps aside from one that comes straight down, so that it flies off at an angle.
int follow_and_sweep(const Picture& seen) {
  const bool comes_straight = seen.ball.first == 8 && seen.trail == Cell(7, seen.ball.second);
  if (!comes_straight || seen.ball.second != seen.racket) return follow(seen);
  return seen.racket > 4 ? 1 : 2;
}

Player random_player(std::uint64_t seed) {
  return [random = Random(seed)](const Picture&) mutable { return static_cast<int>(random.below(3)); };
}

/// Follows and sweeps, and at times does anything.
Player clumsy_player(std::uint64_t seed) {
  return [random = Random(seed)](const Picture& seen) mutable {
    return random.below(6) == 0 ? static_cast<int>(random.below(3)) : follow_and_sweep(seen);
  };
}

struct Step {
  Picture before;
  int action;
  StepResult result;
  Picture after;
};

/// Plays an episode and calls `look` after each step. Returns the sum of rewards.
double play(std::uint64_t seed, const Player& player, const std::function<void(const Step&)>& look = {}) {
  const auto environment = make_lamplighter();
  Picture now = picture_of(environment->reset(seed));
  double sum = 0;
  for (StepResult result; !result.terminated && !result.truncated;) {
    const int action = player(now);
    result = environment->step(action);
    const Picture next = picture_of(result.observation);
    if (look) look({now, action, result, next});
    sum += result.reward;
    now = next;
  }
  return sum;
}

/// Calls `look` for each step of many episodes of good and bad players.
void watch(const std::function<void(const Step&)>& look) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    play(seed, random_player(seed), look);
    play(seed, clumsy_player(seed), look);
  }
}

double mean_of(const std::function<Player(std::uint64_t)>& make, int episodes) {
  double sum = 0;
  for (int i = 0; i < episodes; ++i) {
    const auto seed = static_cast<std::uint64_t>(i);
    sum += play(seed, make(seed)) / episodes;
  }
  return sum;
}

TEST_CASE("Lamplighter is an image of four channels with three actions") {
  const EnvironmentSpec spec = make_lamplighter()->spec();
  CHECK(spec.observation_shape == std::vector<int>{4, 10, 10});
  CHECK(spec.observation_size == 400);
  CHECK(spec.action_count == 3);
  CHECK(spec.time_limit == 500);
}

TEST_CASE("Lamplighter starts with a ball at the top, a racket anywhere and six lamps") {
  const auto environment = make_lamplighter();
  std::set<int> rackets, columns;
  std::set<Cell> lamps;
  int falls_to_the_right = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const Picture start = picture_of(environment->reset(seed));
    CHECK(start.ball.first == 0);
    CHECK(start.trail == start.ball);
    CHECK(start.lamps.size() == 6);
    rackets.insert(start.racket);
    columns.insert(start.ball.second);
    lamps.insert(start.lamps.begin(), start.lamps.end());
    const Picture next = picture_of(environment->step(0).observation);
    CHECK(next.ball.first == 1);
    CHECK(std::abs(next.ball.second - start.ball.second) == 1);
    falls_to_the_right += next.ball.second > start.ball.second ? 1 : 0;
  }
  CHECK(rackets == std::set<int>{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(columns.size() == 10);
  CHECK(lamps.size() == 60);
  CHECK(lamps.begin()->first == 1);
  CHECK(lamps.rbegin()->first == 6);
  CHECK(falls_to_the_right == Approx(200).margin(40));
}

TEST_CASE("the racket moves as the action says, and the edges stop it") {
  bool at_left_edge = false, at_right_edge = false;
  watch([&](const Step& step) {
    const int wanted = step.before.racket + (step.action == 1 ? -1 : step.action == 2 ? 1 : 0);
    CHECK(step.after.racket == std::clamp(wanted, 1, 8));
    at_left_edge = at_left_edge || wanted < 1;
    at_right_edge = at_right_edge || wanted > 8;
  });
  CHECK(at_left_edge);
  CHECK(at_right_edge);
}

TEST_CASE("the trail is where the ball was, and the ball turns round at the edges") {
  int side_turns = 0, top_turns = 0;
  Step last{};
  watch([&](const Step& step) {
    CHECK(step.after.trail == step.before.ball);
    const auto [row, column] = step.before.ball;
    const auto [next_row, next_column] = step.after.ball;
    CHECK(std::abs(next_column - column) <= 1);
    CHECK(std::abs(next_row - row) <= 1);
    const int drift = column - step.before.trail.second, fall = row - step.before.trail.first;
    if (fall != 0 && row < 8) {  // it flew freely before, and does so now
      const bool turns_at_side = column + drift < 0 || column + drift > 9;
      CHECK(next_column == column + (turns_at_side ? -drift : drift));
      CHECK(next_row == row + (row + fall < 0 ? 1 : fall));
      side_turns += turns_at_side ? 1 : 0;
      top_turns += row + fall < 0 ? 1 : 0;
    }
  });
  CHECK(side_turns > 20);
  CHECK(top_turns > 20);
}

TEST_CASE("the place on the racket decides where the ball flies") {
  std::set<int> places;
  bool is_contact = false;
  int place = 0;
  watch([&](const Step& step) {
    if (is_contact) {
      // The next step after a contact, unless the edge turns the ball.
      const int column = step.before.ball.second + place;
      CHECK(step.after.ball.first == 7);
      CHECK(step.after.ball.second == (column < 0 || column > 9 ? step.before.ball.second - place : column));
    }
    is_contact = step.before.ball.first == 8 && step.after.ball.first == 8 && !step.result.truncated;
    place = step.after.ball.second - step.after.racket;
    if (is_contact) places.insert(place);
  });
  CHECK(places == std::set<int>{-1, 0, 1});
}

TEST_CASE("an episode ends when the ball misses the racket, and only then") {
  int misses = 0;
  watch([&](const Step& step) {
    const bool in_bottom_row = step.after.ball.first == 9;
    CHECK(step.result.terminated == in_bottom_row);
    if (!in_bottom_row) return;
    ++misses;
    CHECK(std::abs(step.after.ball.second - step.after.racket) > 1);
    CHECK(step.result.reward == 0);
    CHECK_FALSE(step.result.truncated);
  });
  CHECK(misses > 40);
}

TEST_CASE("a lamp that the ball enters is lit and rewarded, and six new ones follow the last one") {
  int lit = 0, fields = 0;
  watch([&](const Step& step) {
    const bool enters = step.before.lamps.count(step.after.ball) == 1;
    CHECK(step.result.reward == (enters ? 1 : 0));
    std::set<Cell> expected = step.before.lamps;
    expected.erase(step.after.ball);
    lit += enters ? 1 : 0;
    if (!expected.empty()) {
      CHECK(step.after.lamps == expected);
      return;
    }
    ++fields;
    CHECK(step.after.lamps.size() == 6);
    CHECK(step.after.lamps.count(step.after.ball) == 0);
    for (const Cell& lamp : step.after.lamps) {
      CHECK(lamp.first >= 1);
      CHECK(lamp.first <= 6);
    }
  });
  CHECK(lit > 100);
  CHECK(fields > 5);
}

// The racket of this player is always in time, so an episode lasts until the limit.
TEST_CASE("every ball can be reached, and 500 steps are the limit") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    int steps = 0;
    bool truncated = false;
    play(seed, follow, [&](const Step& step) {
      ++steps;
      truncated = step.result.truncated;
    });
    CHECK(steps == 500);
    CHECK(truncated);
  }
}

// These are the baselines that docs/tasks.md states.
TEST_CASE("the players that the documentation describes light as many lamps as it says") {
  CHECK(mean_of(random_player, 1000) == Approx(1.05).margin(0.2));
  CHECK(mean_of([](std::uint64_t) { return follow; }, 300) == Approx(6.15).margin(0.6));
  CHECK(mean_of([](std::uint64_t) { return follow_and_sweep; }, 300) == Approx(23.3).margin(1.5));
}

TEST_CASE("Lamplighter keeps the environment contract") {
  EnvironmentCheckOptions options;
  options.try_invalid_actions = true;
  const EnvironmentReport random = check_environment(make_lamplighter, options);
  CAPTURE(to_text(random));
  CHECK(random.findings.empty());
  options.policy = [](Observation image) { return follow(picture_of(image)); };
  const EnvironmentReport following = check_environment(make_lamplighter, options);
  CAPTURE(to_text(following));
  CHECK(following.findings.empty());
  CHECK(following.truncated == following.episodes);
}

TEST_CASE("Lamplighter names the action it does not know") {
  const auto environment = make_lamplighter();
  environment->reset(0);
  CHECK_THROWS_WITH(environment->step(3), Catch::Equals("Lamplighter: action 3 given, expected 0 to 2"));
  CHECK_THROWS_AS(environment->step(-1), ArgumentError);
}

}  // namespace
}  // namespace genkidama
