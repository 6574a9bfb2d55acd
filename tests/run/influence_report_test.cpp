#include "run/state/influence_report.h"

#include <string>
#include <vector>

#include "run/state/child_counters.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::run;
using Catch::Contains;

namespace {

ParentUpdate merge_of(const std::string& child, double movement, std::optional<double> agreement,
                      std::uint64_t staleness = 2) {
  ParentUpdate update;
  update.child = child;
  update.movement = movement;
  update.agreement = agreement;
  update.staleness = staleness;
  return update;
}

/// Four Children after ten merges each; the last one is as told.
ChildCounters counters_with(double movement, double agreement, int merges = 10) {
  ChildCounters counters;
  for (int i = 0; i < 10; ++i) {
    for (const char* const name : {"ant", "bee", "cat"}) counters.add(merge_of(name, 1, 0.4));
  }
  for (int i = 0; i < merges; ++i) counters.add(merge_of("dog", movement, agreement));
  return counters;
}

std::string suggestion(double movement, double agreement, int merges = 10) {
  return influence_suggestion(counters_with(movement, agreement, merges).influence());
}

}  // namespace

TEST_CASE("a Parent that no merge has moved is told so, however few its Children are") {
  ChildCounters counters;
  for (int i = 0; i < 3; ++i) counters.add(merge_of("ant", 0, {}));
  CHECK_THAT(influence_suggestion(counters.influence()), Contains("No merge has moved the Parent's weights"));
}

TEST_CASE("what each Child did is a share of all movement, and means over its merges") {
  ChildCounters counters;
  counters.add(merge_of("ant", 1, {}, 0));
  counters.add(merge_of("bee", 3, -0.5, 1));
  counters.add(merge_of("bee", 6, 0.25, 4));
  const auto influence = counters.influence();
  REQUIRE(influence.size() == 2);
  CHECK(influence[0].child == "ant");
  CHECK(influence[0].share == Approx(0.1));
  CHECK_FALSE(influence[0].agreement);
  CHECK(influence[1].merges == 2);
  CHECK(influence[1].movement == Approx(9));
  CHECK(influence[1].agreement == Approx(-0.125));
  CHECK(influence[1].staleness == Approx(2.5));
  CHECK(counters.report()["ant"]["agreement"].is_null());
  CHECK(counters.report()["bee"]["movement_share"] == Approx(0.9));
  // It outlives the process.
  const ChildCounters resumed(counters.text());
  CHECK(resumed.report() == counters.report());
  // Those of a round are told by contribution.
  ParentUpdate round;
  round.contributions.emplace_back();
  round.contributions.back().child = "cat";
  round.contributions.back().movement = 2;
  counters.add(round);
  CHECK(counters.influence()[2].movement == 2);
}

TEST_CASE("counts of an earlier version have no influence") {
  const ChildCounters counters(R"({"ant":[3,250,5,200,4]})");
  REQUIRE(counters.influence().size() == 1);
  CHECK(counters.influence()[0].merges == 3);
  CHECK(counters.influence()[0].share == 0);
}

TEST_CASE("the suggestion names who stands out, and why") {
  CHECK(suggestion(1, 0.4) == "No Child stands out.");
  CHECK(
      suggestion(1, -0.8) ==
      "Look at 'dog' first: its weights pull against the others' (agreement -0.80, and 0.40 is usual here).");
  CHECK(suggestion(5, 0.4) ==
        "Look at 'dog' first: a merge of its moves the weights 5.0 times as far as one of the others.");
  CHECK_THAT(suggestion(5, -0.8), Contains("pull against") && Contains(", and a merge of its moves"));
  // It has hardly begun.
  CHECK(suggestion(5, -0.8, 4) == "No Child stands out.");
  CHECK(influence_suggestion({}) == "Too few Children or merges to say who stands out.");
}

TEST_CASE("where all disagree, as with a high alpha, nobody stands out") {
  ChildCounters counters;
  for (int i = 0; i < 10; ++i) {
    for (const char* const name : {"ant", "bee", "cat"}) counters.add(merge_of(name, 1, -0.4));
  }
  CHECK(influence_suggestion(counters.influence()) == "No Child stands out.");
}
