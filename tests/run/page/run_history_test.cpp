// Curves in bounded memory, and those of a run that an earlier process has begun.
#include "run/page/run_history.h"

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "run/page/recorded_history.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama::run;
using genkidama::test::TemporaryDirectory;
using nlohmann::json;

namespace {

HistoryPoint point(double steps, double value) {
  HistoryPoint point{steps, steps / 10};
  point.mean_return = value;
  point.low_return = value - 1;
  point.high_return = value + 2;
  return point;
}

}  // namespace

TEST_CASE("each update is a row, and what is not known is null") {
  RunHistory history;
  CHECK(history.json_from(0) == "[]");
  history.add(point(10, 1.5));
  HistoryPoint more = point(20, std::numeric_limits<double>::quiet_NaN());
  more.entropy = 0.25;
  more.policy_loss = std::numeric_limits<double>::infinity();
  history.add(more);
  CHECK(history.size() == 2);
  CHECK_FALSE(history.is_last_open());
  const json rows = json::parse(history.json_from(0));
  CHECK(rows[0] == json::parse("[10,1.0,1.5,0.5,3.5,null,null,null,null]"));
  CHECK(rows[1] == json::parse("[20,2.0,null,null,null,null,null,0.25,null]"));
  CHECK(json::parse(history.json_from(1)).size() == 1);
  CHECK(history.json_from(2) == "[]");
}

TEST_CASE("a long run has no more rows than a short one, and loses neither mean nor extremes") {
  RunHistory history;
  constexpr int kUpdates = 100'000;
  double sum = 0;
  for (int i = 1; i <= kUpdates; ++i) {
    history.add(point(i, i % 7));
    sum += i % 7;
    REQUIRE(history.size() <= RunHistory::kMost);
  }
  CHECK(history.generation() == 8);
  const json rows = json::parse(history.json_from(0));
  CHECK(rows.size() > RunHistory::kMost / 2);
  CHECK(rows.back()[0] == kUpdates);
  double mean = 0;
  for (const auto& row : rows) {
    CHECK(row[3] == -1);
    CHECK(row[4] == 8);
    mean += row[2].get<double>() / static_cast<double>(rows.size());
  }
  CHECK(mean == Approx(sum / kUpdates).margin(0.01));
  CHECK(history.json_from(0).size() < 50'000);
}

TEST_CASE("the last row of a long run changes until it is full") {
  RunHistory history;
  for (std::size_t i = 0; i < RunHistory::kMost; ++i) history.add(point(static_cast<double>(i), 1));
  CHECK(history.generation() == 0);
  history.add(point(1000, 1));
  CHECK(history.generation() == 1);
  CHECK(history.size() == RunHistory::kMost / 2 + 1);
  CHECK(history.is_last_open());
  history.add(point(1001, 3));
  CHECK_FALSE(history.is_last_open());
  CHECK(json::parse(history.json_from(RunHistory::kMost / 2))[0][2] == 2);
}

TEST_CASE("a resumed run's curves begin with its tables, as far as these can be read") {
  const TemporaryDirectory directory;
  RunHistory history;
  add_recorded(directory / "metrics.csv", history);
  CHECK(recorded_evaluations(directory / "evaluations.csv", 10).empty());
  CHECK(history.size() == 0);
  std::ofstream(directory / "metrics.csv")
      << "update,environment_steps,wall_seconds,return_mean,return_min,return_max,entropy\n"
         "1,100,0.5,7,1,9,0.6\n2,200,x,8,1,9,0.6\n3,300\n4,400,2,,,,\n5,500,3";
  add_recorded(directory / "metrics.csv", history);
  const json rows = json::parse(history.json_from(0));
  REQUIRE(rows.size() == 2);
  CHECK(rows[0] == json::parse("[100,0.5,7,1,9,null,null,0.6,null]"));
  CHECK(rows[1] == json::parse("[400,2.0,null,null,null,null,null,null,null]"));

  std::ofstream(directory / "parent.csv")
      << "update,environment_steps,wall_seconds,child_return_mean\n1,100,0.5,7\n";
  RunHistory parent;
  add_recorded(directory / "parent.csv", parent);
  CHECK(json::parse(parent.json_from(0))[0] == json::parse("[100,0.5,7,7,7,null,null,null,null]"));

  std::ofstream(directory / "evaluations.csv")
      << "update,environment_steps,return_mean,return_min,return_max\n1,10,5,1,9\n2,20,6,2,9\n3,30,7,3,9\n";
  const auto evaluations = recorded_evaluations(directory / "evaluations.csv", 2);
  REQUIRE(evaluations.size() == 2);
  CHECK(evaluations[1].mean == 7);
  CHECK(evaluations[1].low == 3);
}
