#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <fstream>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/run/evaluation.h"
#include "run/directory/run_directory.h"
#include "run/divergence.h"
#include "run/evaluation/evaluation_json.h"
#include "run/merge_watch.h"
#include "run/metrics/csv_file.h"
#include "run/metrics/csv_table.h"
#include "run/metrics/metrics_table.h"
#include "run/metrics/recent_mean.h"
#include "run/run_limits.h"
#include "run/state/run_state.h"
#include "run/update_queue.h"
#include "support/averages.h"
#include "support/catch.h"
#include "support/run_program.h"
#include "support/temporary_directory.h"
#include "support/trainer_part.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

/// As the state of a run whose optimizer's state has so many values.
RunState read_state(const std::filesystem::path& path, const ParameterLayout& layout, std::size_t optimizer) {
  TrainerPart part(std::vector<float>(optimizer, 0));
  PolicyAverage average;
  return read_run_state(path, layout, &part, average);
}

/// The average in a run's state.
PolicyAverage read_average(const std::filesystem::path& path, const ParameterLayout& layout) {
  TrainerPart part({0, 0});
  PolicyAverage average({.kind = PolicyAverageKind::kEma});
  read_run_state(path, layout, &part, average);
  return average;
}

}  // namespace

TEST_CASE("a resumed table keeps the rows up to the state it goes on from") {
  const TemporaryDirectory directory;
  const auto path = directory / "table.csv";
  {
    CsvFile table(path, {"update", "value"}, {});
    for (int i = 1; i <= 5; ++i) table.append({std::to_string(i), "a"});
  }
  std::ofstream(path, std::ios::app) << "6,cut o";
  {
    CsvFile table(path, {"update", "value"}, 3);
    table.append({"4", "b"});
  }
  CHECK(file_text(path) == "update,value\n1,a\n2,a\n3,a\n4,b\n");
}

TEST_CASE("a table of an earlier version is gone on with, and its rows lack the new columns") {
  const TemporaryDirectory directory;
  const auto path = directory / "table.csv";
  std::ofstream(path) << "update,name,value\n1,\"a,b\",0.5\n2,c,0.25\n3,d,1\n4,cut o";
  {
    CsvFile table(path, {"update", "more", "name", "value", "last"}, 2);
    CHECK(table.last_number() == std::optional<std::uint64_t>(2));
    table.append({"3", "m", "e", "2", "l"});
  }
  CHECK(file_text(path) == "update,more,name,value,last\n1,,\"a,b\",0.5,\n2,,c,0.25,\n3,m,e,2,l\n");
}

TEST_CASE("columns that a run does not have any more stay in its table, and its rows have nothing there") {
  const TemporaryDirectory directory;
  const auto path = directory / "table.csv";
  std::ofstream(path) << "update,other,value,more\n1,2,x,\"a,b\"\n2,3,y,z\n";
  {
    CsvFile table(path, {"update", "value", "last"}, 1);
    table.append({"2", "c", "l"});
    CHECK_THROWS_AS(table.append({"3", "c", "l", "extra"}), ArgumentError);
  }
  CHECK(file_text(path) == "update,value,last,other,more\n1,x,,2,\"a,b\"\n2,c,l,,\n");
  {
    CsvFile table(path, {"update", "value", "more"}, 2);
    table.append({"3", "d", "m"});
  }
  CHECK(file_text(path) == "update,value,more,last,other\n1,x,\"a,b\",,2\n2,c,,l,\n3,d,m,,\n");
}

TEST_CASE("rows that are missing before a resumed state are told") {
  const TemporaryDirectory directory;
  const auto path = directory / "metrics.csv";
  RunTotals start;
  const auto told = [&](const char* rows, std::uint64_t update) {
    std::ofstream(path) << rows;
    std::string text;
    set_log_sink([&text](LogLevel level, std::string_view line) {
      if (level == LogLevel::kWarning) text += line;
    });
    const MetricsTable table(path, {"x"}, update, RunOptions(), start);
    set_log_sink({});
    return text;
  };
  const std::string header = "update,environment_steps,wall_seconds,steps_per_second,x\n";
  CHECK(told("", 3).find("metrics.csv has no rows, and the run goes on after update 3") != std::string::npos);
  CHECK(told(header.c_str(), 3).find("has no rows") != std::string::npos);
  CHECK(told((header + "1,1,1,1,1\n2,2,2,2,2\n").c_str(), 3).find("has rows up to update 2") !=
        std::string::npos);
  CHECK(told((header + "1,1,1,1,1\n3,2,2,2,2\n4,2,2,2,2\n").c_str(), 3).empty());
  // A run that was killed before its first state, and one so long that its last row may be left out.
  CHECK(told("", 0).empty());
  CHECK(told((header + "19999,2,2,2,2\n").c_str(), 20'000).empty());
  CHECK(told("", 20'000).find("has no rows") != std::string::npos);
}

TEST_CASE("the last whole row of a table is read without the rows before it") {
  const TemporaryDirectory directory;
  const auto path = directory / "table.csv";
  CHECK_FALSE(read_last_row(path));
  const auto last_of = [&path](const std::string& text) -> std::string {
    std::ofstream(path, std::ios::binary) << text;
    const auto table = read_last_row(path);
    return table ? table->field(table->rows.at(0), "update") : "none";
  };
  CHECK(last_of("") == "none");
  CHECK(last_of("update,value") == "none");
  CHECK(last_of("update,value\n") == "none");
  CHECK(last_of("update,value\n1,a") == "none");
  CHECK(last_of("update,value\n1,a\n") == "1");
  CHECK(last_of("update,value\n1,a\n2,b") == "1");
  CHECK(last_of("update,value\n1,a\n2\n\n") == "1");
  CHECK(last_of("update,value\n1,a\n2,\"b,\"\"c\"\n") == "2");
  std::string rows = "update,value\n";
  for (int i = 1; i <= 1000; ++i) rows += std::to_string(i) + ",a\n";
  CHECK(last_of(rows) == "1000");
  CHECK(last_of(rows + "1001,cut o") == "1000");
  // Longer than what is looked at first.
  CHECK(last_of(rows + "1001," + std::string(5000, 'x') + "\n") == "1001");
  CHECK(last_of(rows + std::string(5000, 'x')) == "1000");
  CHECK(last_of("update,value\n1," + std::string(1012, 'x') + "\n") == "1");
}

TEST_CASE("fields with commas and quotes are quoted") {
  const TemporaryDirectory directory;
  const auto path = directory / "table.csv";
  CsvFile table(path, {"update", "name"}, {});
  table.append({"1", "a,\"b\"\nc"});
  CHECK(file_text(path) == "update,name\n1,\"a,\"\"b\"\" c\"\n");
  CHECK_THROWS_AS(table.append({"1"}), ArgumentError);
}

TEST_CASE("a full disk leaves no half row and is told once") {
  const TemporaryDirectory directory;
  const auto path = directory / "table.csv";
  int messages = 0;
  set_log_sink([&](LogLevel, std::string_view) { ++messages; });
  CsvFile table(path, {"update", "value"}, {});
  table.append({"1", "a"});

  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit{};
  getrlimit(RLIMIT_FSIZE, &old_limit);
  rlimit limit = old_limit;
  limit.rlim_cur = 20;
  setrlimit(RLIMIT_FSIZE, &limit);
  table.append({"2", "a long value"});
  table.append({"3", "a long value"});
  setrlimit(RLIMIT_FSIZE, &old_limit);
  std::signal(SIGXFSZ, old_handler);

  table.append({"4", "b"});
  set_log_sink({});
  CHECK(file_text(path) == "update,value\n1,a\n4,b\n");
  CHECK(messages == 1);
}

TEST_CASE("a run's state is read as it was written") {
  const TemporaryDirectory directory;
  const auto path = directory / "state.safetensors";
  const ParameterLayout layout({{"w", {2, 3}}, {"b", {2}}});
  RunState state;
  state.totals = {12, {3456, 78}, 1.0 / 3, 0.125};
  state.weights = {1, 2, 3, 4, 5, 6, 7, 8};
  TrainerPart trainer({0.5F, -0.25F});
  trainer.optimizer_steps = 99;
  trainer.rounds = 12;
  state.trainer = &trainer;
  write_run_state(path, layout, state);

  TrainerPart part({0, 0});
  PolicyAverage no_average;
  const RunState read = read_run_state(path, layout, &part, no_average);
  CHECK(read.totals.updates == 12);
  CHECK(read.totals.in_run.steps == 3456);
  CHECK(read.totals.in_run.episodes == 78);
  CHECK(read.totals.wall_seconds == 1.0 / 3);
  CHECK(read.totals.time_to_target_seconds == 0.125);
  CHECK(read.weights == state.weights);
  CHECK(part.optimizer_state == trainer.optimizer_state);
  CHECK(part.optimizer_steps == 99);
  CHECK(part.rounds == 12);

  SECTION("another optimizer or network is refused") {
    CHECK_THROWS_AS(read_state(path, layout, 3), LayoutError);
    CHECK_THROWS_AS(read_state(path, ParameterLayout({{"w", {3, 2}}, {"b", {2}}}), 2), LayoutError);
  }
}

TEST_CASE("a run's state keeps the average beside the weights, and is read without one too") {
  const TemporaryDirectory directory;
  const auto path = directory / "state.safetensors";
  const ParameterLayout layout({{"w", {2}}, {"b", {1}}});
  RunState state;
  state.weights = {1, 2, 3};
  TrainerPart trainer({7, 8});
  state.trainer = &trainer;
  write_run_state(path, layout, state);
  CHECK(read_state(path, layout, 2).average_kind == "none");
  CHECK(read_average(path, layout).count() == 0);

  const PolicyAverage average = average_of({-1, -2, -3}, 37);
  state.average = &average;
  write_run_state(path, layout, state);
  TrainerPart part({0, 0});
  PolicyAverage went_on({.kind = PolicyAverageKind::kEma});
  const RunState read = read_run_state(path, layout, &part, went_on);
  CHECK(read.weights == state.weights);
  CHECK(part.optimizer_state == trainer.optimizer_state);
  CHECK(read.average_kind == "ema");
  CHECK(went_on.count() == 37);
  CHECK(went_on.state().weights == average.state().weights);
  // Of another kind it begins anew.
  PolicyAverage other({.kind = PolicyAverageKind::kSwa});
  CHECK(read_run_state(path, layout, &part, other).average_kind == "ema");
  CHECK(other.count() == 0);
  CHECK_THROWS_AS(read_state(path, layout, 3), LayoutError);
  CHECK_THROWS_AS(read_state(path, ParameterLayout({{"w", {3}}}), 2), LayoutError);

  // A Parent's has no optimizer.
  state.trainer = nullptr;
  write_run_state(path, layout, state);
  PolicyAverage of_parent({.kind = PolicyAverageKind::kEma});
  read_run_state(path, layout, nullptr, of_parent);
  CHECK(of_parent.state().weights == average.state().weights);

  // One of another number of weights is refused at once.
  const PolicyAverage small = average_of({1, 2}, 3);
  state.average = &small;
  write_run_state(path, layout, state);
  CHECK_THROWS_AS(read_average(path, layout), LayoutError);
}

TEST_CASE("a checkpoint is not taken for a run's state") {
  const TemporaryDirectory directory;
  const auto path = directory / "weights.safetensors";
  const ParameterLayout layout({{"w", {1}}});
  write_safetensors(path, {layout, {1.0F}, {{"update", "1"}}});
  PolicyAverage no_average;
  CHECK_THROWS_AS(read_run_state(path, layout, nullptr, no_average), FormatError);
}

TEST_CASE("the statistics of an evaluation") {
  const std::vector<EpisodeResult> episodes = {
      {100, 10, false}, {200, 20, false}, {300, 30, true}, {400, 40, true}};
  const auto result = statistics_of(episodes, 200);
  CHECK(result.episodes == 4);
  CHECK(result.mean == Approx(250));
  CHECK(result.standard_deviation == Approx(129.0994449));
  CHECK(result.standard_error == Approx(64.5497224));
  CHECK(result.median == Approx(250));
  CHECK(result.min == 100);
  CHECK(result.max == 400);
  CHECK(result.mean_length == Approx(25));
  CHECK(result.truncated_share == Approx(0.5));
  CHECK(result.threshold_share == Approx(0.75));

  const auto one = statistics_of(std::span(episodes).first(1), std::nan(""));
  CHECK(one.standard_deviation == 0);
  CHECK(one.median == 100);
  CHECK_FALSE(one.threshold_share);
  CHECK(to_json(one)["threshold"].is_null());
  CHECK_THROWS_AS(statistics_of({}, 0), ArgumentError);
}

TEST_CASE("a directory with a run in it is not used for another") {
  const TemporaryDirectory directory;
  const RunDirectory run(directory / "run");
  CHECK_NOTHROW(run.check_unused());
  run.create();
  CHECK_NOTHROW(run.check_unused());
  CHECK_THROWS_AS(run.check_resumable(), ArgumentError);
  std::ofstream(run.config()) << "{}";
  std::ofstream(run.metrics()) << "update,value\n";
  CHECK_NOTHROW(run.check_unused());  // it never got going
  std::ofstream(run.metrics(), std::ios::app) << "1,2\n";
  CHECK_THROWS_AS(run.check_unused(), ArgumentError);
  std::ofstream(directory / "file") << "";
  CHECK_THROWS_AS(RunDirectory(directory / "file").check_unused(), ArgumentError);
  CHECK(run.checkpoint(100).filename() == "update_000100.safetensors");
}

TEST_CASE("merges wait in order for the thread that writes them, with the weights asked for") {
  using Weights = UpdateQueue::Weights;
  UpdateQueue queue;
  const std::vector<float> weights = {1, 2};
  for (std::uint64_t i = 1; i <= 20; ++i) {
    ParentUpdate update;
    update.update = i;
    update.weights = weights;
    queue.push(update, i % 2 == 0 ? Weights::kIfRoom : Weights::kNone);
  }
  const auto taken = queue.take(Milliseconds(0));
  REQUIRE(taken.size() == 20);
  CHECK(taken[0].weights.empty());
  CHECK(taken[1].weights == weights);
  CHECK(taken[19].update.update == 20);
  // More copies of the weights than anybody takes are not kept.
  CHECK(taken[19].weights.empty());
  CHECK(queue.dropped() == 2);
  CHECK(queue.take(Milliseconds(0)).empty());
}

TEST_CASE("what was played for a merge that is dropped is told with the next one of its session") {
  using Weights = UpdateQueue::Weights;
  UpdateQueue queue;
  ParentUpdate update;
  update.session = 7;
  update.since_merge = {20, 2};
  std::uint64_t pushed = 0;
  while (queue.dropped() < 3) {
    queue.push(update, Weights::kNone);
    ++pushed;
  }
  REQUIRE(queue.take(Milliseconds(0)).size() == pushed - 3);
  update.session = 8;
  queue.push(update, Weights::kNone);
  update.session = 7;
  queue.push(update, Weights::kNone);
  queue.push(update, Weights::kNone);
  const auto taken = queue.take(Milliseconds(0));
  REQUIRE(taken.size() == 3);
  CHECK(taken[0].update.since_merge == Played{20, 2});
  CHECK(taken[1].update.since_merge == Played{80, 8});
  CHECK(taken[2].update.since_merge == Played{20, 2});
}

TEST_CASE("what was played for a round that is dropped is told with the next one of each Child") {
  using Weights = UpdateQueue::Weights;
  UpdateQueue queue;
  const auto round_of = [](const std::vector<std::uint64_t>& sessions) {
    ParentUpdate round;
    for (const std::uint64_t session : sessions) {
      RoundContribution each;
      each.session = session;
      each.since_merge = {10 * session, session};
      round.contributions.push_back(each);
      round.since_merge += each.since_merge;
    }
    return round;
  };
  // A round takes as much room as its contributions.
  std::uint64_t pushed = 0;
  while (queue.dropped() < 2) {
    queue.push(round_of({1, 2}), Weights::kNone);
    ++pushed;
  }
  CHECK(pushed - 2 <= 32'768);
  REQUIRE(queue.take(Milliseconds(0)).size() == pushed - 2);
  queue.push(round_of({2, 3}), Weights::kNone);
  queue.push(round_of({1, 2}), Weights::kNone);
  const auto taken = queue.take(Milliseconds(0));
  REQUIRE(taken.size() == 2);
  CHECK(taken[0].update.contributions[0].since_merge == Played{60, 6});
  CHECK(taken[0].update.since_merge == Played{90, 9});
  CHECK(taken[1].update.contributions[0].since_merge == Played{30, 3});
  CHECK(taken[1].update.since_merge == Played{50, 5});
}

TEST_CASE("there is always room for the last merge of a run, with its weights and their average") {
  using Weights = UpdateQueue::Weights;
  UpdateQueue queue;
  const std::vector<float> weights = {1, 2};
  PolicyAverage average({PolicyAverageKind::kEma, 0.5, 0.5});
  average.add(weights);
  ParentUpdate update;
  update.weights = weights;
  for (int i = 0; i < 70'000; ++i) queue.push(update, Weights::kIfRoom);
  const auto dropped = queue.dropped();
  update.update = 9;
  queue.push(update, Weights::kSurely, average);
  CHECK(queue.dropped() == dropped);
  const auto taken = queue.take(Milliseconds(0));
  REQUIRE(taken.back().update.update == 9);
  CHECK(taken.back().weights == weights);
  CHECK(taken.back().average.count() == 1);
}

TEST_CASE("weights that are not finite or too long are told by tensor, value and limit") {
  const ParameterLayout layout({{"w", {2}}, {"b", {1}}});
  const auto problem = [&](std::vector<float> weights, double max_norm) {
    RunOptions options;
    options.max_weight_norm = max_norm;
    return find_divergence(weights, layout, options).value_or("");
  };
  CHECK(problem({3, 0, 4}, 5).empty());
  CHECK(problem({3, 0, 4}, 4.99) == "the L2 norm of the weights is 5, above max_weight_norm 4.99");
  CHECK(problem({3e38F, 3e38F, 3e38F}, 0).empty());
  CHECK(problem({3e38F, 3e38F, 3e38F}, 1e6) ==
        "the L2 norm of the weights is 5.2e+38, above max_weight_norm 1e+06");
  CHECK(problem({1, 2, INFINITY}, 0) == "weight 2 (tensor 'b', element 0) is inf");
  CHECK(problem({1, std::nanf(""), 0}, 1e6) == "weight 1 (tensor 'w', element 1) is nan");
}

TEST_CASE("the first merge that is not sound is remembered, and none after it is averaged") {
  const ParameterLayout layout({{"w", {1}}});
  RunOptions options;
  options.max_weight_norm = 10;
  MergeWatch watch(layout, options, PolicyAverage({PolicyAverageKind::kSwa, 0.9, 0.5}));
  const auto follow = [&](std::uint64_t number, float weight, double share) {
    const std::vector<float> weights = {weight};
    ParentUpdate update;
    update.update = number;
    update.weights = weights;
    return watch.follow(update, share);
  };
  CHECK(follow(1, 9, 0.4));
  CHECK(watch.average().count() == 0);
  CHECK(follow(2, 1, 0.5));
  CHECK(follow(3, 2, 0.6));
  CHECK_FALSE(watch.divergence());
  CHECK_FALSE(follow(4, 11, 0.7));
  CHECK_FALSE(follow(5, 12, 0.7));
  CHECK_FALSE(follow(6, 1, 0.8));
  REQUIRE(watch.divergence());
  CHECK(watch.divergence()->update == 4);
  CHECK(watch.divergence()->text.find("is 11, above") != std::string::npos);
  CHECK(watch.average().state().weights == std::vector<float>{1.5F});
}

TEST_CASE("the mean of the latest hundred") {
  RecentMean recent;
  CHECK_FALSE(recent.mean());
  recent.add(5);
  CHECK(recent.mean() == 5.0);
  for (int i = 0; i < 50; ++i) recent.add(1);
  for (int i = 0; i < 50; ++i) recent.add(3);
  CHECK(recent.mean() == Approx(2));  // the 5 is forgotten
}

TEST_CASE("a mean of several episodes counts for that many of the latest hundred") {
  RecentMean recent;
  recent.add(7, 0);
  CHECK_FALSE(recent.mean());
  recent.add(-700, 90);
  recent.add(100, 10);
  CHECK(recent.mean() == Approx(-620));
  recent.add(100, 30);  // 60 of the ninety stay
  CHECK(recent.mean() == Approx(-380));
  recent.add(-9, 0);
  CHECK(recent.mean() == Approx(-380));
  recent.add(-150, std::uint64_t{1} << 60);
  CHECK(recent.mean() == -150.0);
  CHECK(recent.values().size() == 100);
}

TEST_CASE("a run's share follows the end that comes first") {
  RunOptions options;
  CHECK_FALSE(share_of_run(options, 10, 10));
  options.updates = 40;
  CHECK(share_of_run(options, 10, 1'000'000) == 0.25);
  options.max_steps = 1000;
  CHECK(share_of_run(options, 10, 500) == 0.5);
  CHECK(share_of_run(options, 50, 500) == 1.0);
}
