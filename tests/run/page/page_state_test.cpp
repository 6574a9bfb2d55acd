// What a viewer is told of a run: all at first, then what is new, and each time in bounded size.
#include "run/page/page_state.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "genkidama/run/evaluation.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::run;
using nlohmann::json;

namespace {

UpdateEvent event_of(const RunTotals& totals, const RoundReport& round) {
  return {totals, {totals.updates, totals.in_run, 12.5, 0.25, {}}, &round};
}

json news_of(const PageState& state, PageState::Seen& seen) {
  const std::string text = state.news(seen);
  return text.empty() ? json::object() : json::parse(text);
}

}  // namespace

TEST_CASE("a viewer is told everything first, and then what is new") {
  auto log = std::make_shared<RecentLog>();
  PageState state({.command = "train", .name = "n", .log = log});
  state.begin({.directory = "runs/first", .environment = "CartPole-v1", .progress = {}});
  PageState::Seen seen;
  const json first = news_of(state, seen);
  CHECK(first["run"]["environment"] == "CartPole-v1");
  CHECK(first["run"]["command"] == "train");
  CHECK_FALSE(first["run"].contains("mean_return"));
  CHECK(first["curves"] == json::parse(R"({"from":0,"rows":[]})"));
  CHECK(first["evaluations"].empty());
  CHECK_FALSE(first.contains("machines"));
  CHECK_FALSE(first.contains("log"));
  CHECK(state.news(seen).empty());

  RunTotals totals;
  totals.updates = 1;
  totals.in_run = {100, 2};
  totals.wall_seconds = 2;
  RoundReport round;
  round.episodes = {{10, 5, false}, {20, 5, false}};
  round.optimizer_steps = 1;
  round.entropy = 0.5;
  state.update(event_of(totals, round));
  const json second = news_of(state, seen);
  CHECK(second["run"]["steps"] == 100);
  CHECK(second["run"]["done"] == 0.25);
  CHECK(second["curves"]["from"] == 0);
  CHECK(second["curves"]["rows"][0] == json::parse("[100,2.0,15,10,20,0,0,0.5,0]"));
  CHECK_FALSE(second.contains("evaluations"));

  totals.updates = 2;
  totals.in_run.steps = 200;
  round.episodes.clear();
  round.optimizer_steps = 0;  // nothing was learnt: there is no loss
  state.update(event_of(totals, round));
  const json third = news_of(state, seen);
  CHECK(third["curves"]["from"] == 1);
  CHECK(third["curves"]["rows"][0] == json::parse("[200,2.0,null,null,null,null,null,null,null]"));

  // Somebody else comes later.
  PageState::Seen other;
  CHECK(news_of(state, other)["curves"]["rows"].size() == 2);
}

TEST_CASE("log lines are told once, and of many the last ones") {
  auto log = std::make_shared<RecentLog>();
  PageState state({.command = "train", .log = log});
  PageState::Seen seen;
  log->add(LogLevel::kWarning, "one <b>\xff");
  log->add(LogLevel::kInfo, std::string(10'000, 'x'));
  const json lines = news_of(state, seen)["log"];
  REQUIRE(lines.size() == 2);
  CHECK(lines[0]["text"] == "one <b>\xef\xbf\xbd");
  CHECK(lines[0]["level"] == "warning");
  CHECK(lines[1]["text"].get<std::string>().size() == RecentLog::kMostBytes);
  for (std::size_t i = 0; i < 3 * RecentLog::kMostLines; ++i) log->add(LogLevel::kInfo, std::to_string(i));
  const json more = news_of(state, seen)["log"];
  CHECK(more.size() == RecentLog::kMostLines);
  CHECK(more.back()["text"] == std::to_string(3 * RecentLog::kMostLines - 1));
  CHECK(state.news(seen).empty());
}

TEST_CASE("curves are told anew when they have become shorter, and messages stay small") {
  PageState state({.command = "train"});
  PageState::Seen seen;
  news_of(state, seen);
  RunTotals totals;
  RoundReport round;
  round.optimizer_steps = 1;
  round.episodes = {{10.123456789, 5, false}};
  std::size_t most = 0, again = 0;
  for (std::uint64_t i = 1; i <= 5000; ++i) {
    totals.updates = i;
    totals.in_run.steps = i * 1'000'000'007;
    state.update(event_of(totals, round));
    const std::string text = state.news(seen);
    most = std::max(most, text.size());
    again += json::parse(text)["curves"]["from"] == 0 ? 1 : 0;
  }
  CHECK(again < 10);
  CHECK(most < 64 * 1024);
}

TEST_CASE("machines, evaluations and the end are told when they come") {
  PageState state({.command = "shard"});
  PageState::Seen seen;
  news_of(state, seen);
  state.set_machines(R"({"rows":[]})", 12);
  json news = news_of(state, seen);
  CHECK(news["machines"]["rows"].empty());
  CHECK(news["run"]["updates"] == 12);
  CHECK_FALSE(news.contains("curves"));
  EvaluationStatistics statistics;
  statistics.mean = 5;
  statistics.max = 9;
  state.evaluate({.update = 1, .statistics = statistics});
  CHECK(news_of(state, seen)["evaluations"] == json::parse("[[0,5,0,9]]"));
  CHECK_FALSE(state.is_over());
  RunSummary summary;
  summary.ended_by = "max_steps";
  state.end(summary);
  CHECK(state.is_over());
  CHECK(news_of(state, seen)["run"]["ended_by"] == "max_steps");
}
