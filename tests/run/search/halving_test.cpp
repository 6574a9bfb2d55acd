#include "run/search/halving.h"

#include <limits>

#include "genkidama/core/error.h"
#include "run/search/rungs.h"
#include "run/search/step_budget.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::run;

namespace {

using Step = Halving::Step;
using Rungs = std::vector<std::uint64_t>;

// Trial and rung of what comes next, which is then at work.
std::pair<int, int> taken(Halving& halving) {
  const auto step = halving.next();
  if (!step) return {-1, -1};
  halving.assign(*step);
  return {static_cast<int>(step->trial), static_cast<int>(step->rung)};
}

using Taken = std::pair<int, int>;

}  // namespace

TEST_CASE("rungs grow by the reduction and end at the longest training") {
  CHECK(rungs_of(100, 2700, 3) == Rungs{100, 300, 900, 2700});
  CHECK(rungs_of(100, 2699, 3) == Rungs{100, 300, 900, 2699});
  CHECK(rungs_of(100, 2701, 3) == Rungs{100, 300, 900, 2700, 2701});
  CHECK(rungs_of(7, 7, 3) == Rungs{7});
  CHECK(rungs_of(0, 270'000, 3) == Rungs{10'000, 30'000, 90'000, 270'000});
  CHECK(rungs_of(0, 100, 3) == Rungs{4, 12, 36, 100});
  CHECK(rungs_of(0, 1, 4) == Rungs{1});
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  CHECK(rungs_of(most / 2, most, 3) == Rungs{most / 2, most});
  CHECK_THROWS_WITH(rungs_of(8, 7, 3),
                    Catch::Contains("min_steps is 8; expected at most max_steps, which is 7"));
  CHECK_THROWS_AS(rungs_of(1, 7, 1), ArgumentError);
  CHECK_THROWS_AS(rungs_of(0, 0, 3), ArgumentError);
}

TEST_CASE("what halving takes is told beforehand") {
  // 27 to 100, 9 of them to 300, 3 to 900, 1 to 2,700.
  CHECK(steps_of_halving({100, 300, 900, 2700}, 3, 27) == 2700 + 9 * 200 + 3 * 600 + 1800);
  CHECK(steps_of_halving({100, 300}, 3, 2) == 200);
}

TEST_CASE("the best third of a rung is trained on as soon as it is known") {
  Halving halving(5, 3, 3);
  CHECK(taken(halving) == Taken{0, 0});
  CHECK(taken(halving) == Taken{1, 0});
  CHECK(taken(halving) == Taken{2, 0});
  halving.score(1, 5);
  halving.score(0, 7);
  // Two scores have no best third.
  CHECK(halving.next() == Step{3, 0});
  halving.score(2, 6);
  CHECK(taken(halving) == Taken{0, 1});
  CHECK(taken(halving) == Taken{3, 0});
  CHECK(taken(halving) == Taken{4, 0});
  CHECK(taken(halving) == Taken{-1, -1});
  // The best third of four or five is one, and that is trained on already, but another is better now.
  halving.score(3, 9);
  CHECK(taken(halving) == Taken{3, 1});
  halving.score(4, 8);
  CHECK(taken(halving) == Taken{-1, -1});
  halving.score(0, 1);
  halving.score(3, 2);
  CHECK(taken(halving) == Taken{-1, -1});
}

TEST_CASE("the highest rung that is due goes first, and of equals the earlier one") {
  Halving halving(9, 3, 2);
  for (int i = 0; i < 4; ++i) taken(halving);
  for (std::size_t i = 0; i < 4; ++i) halving.score(i, 1);
  CHECK(taken(halving) == Taken{0, 1});
  CHECK(taken(halving) == Taken{1, 1});
  CHECK(taken(halving) == Taken{4, 0});
  halving.score(0, 3);
  halving.score(1, 4);
  halving.score(4, 9);
  // Both rungs have one that is due.
  CHECK(taken(halving) == Taken{1, 2});
  CHECK(taken(halving) == Taken{4, 1});
}

TEST_CASE("a trial that fails counts as the worst and is not trained on") {
  Halving halving(4, 2, 2);
  for (int i = 0; i < 4; ++i) taken(halving);
  halving.fail(0);
  halving.score(1, -5);
  CHECK(taken(halving) == Taken{1, 1});
  halving.score(2, std::numeric_limits<double>::quiet_NaN());
  halving.fail(3);
  // Two of four are due, but the second best is no number, which is as bad as a failure and later.
  CHECK(taken(halving) == Taken{-1, -1});
  halving.fail(1);
  CHECK(taken(halving) == Taken{-1, -1});
}

TEST_CASE("a budget counts what runs have taken and will take") {
  StepBudget budget(1000);
  CHECK(budget.takes(1000));
  budget.charge(3, 600);
  budget.charge(0, 300);
  CHECK(budget.spent() == 900);
  CHECK(budget.takes({}));
  CHECK(budget.takes(100));
  CHECK_FALSE(budget.has_refused());
  CHECK_FALSE(budget.takes(101));
  CHECK(budget.has_refused());
  budget.charge(3, 700);
  CHECK(budget.charged(3) == 700);
  CHECK_FALSE(budget.takes({}));
  CHECK(budget.takes(0));
  budget.charge(3, 750);  // a round longer than it was to be
  CHECK_FALSE(budget.takes(1));
  CHECK(StepBudget(0).takes(std::numeric_limits<std::uint64_t>::max()));
}
