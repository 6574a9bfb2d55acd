// What several runs come to, from directories that are written here: no run is played.
#include "run/report/comparison.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "run/metrics/csv_reader.h"
#include "run/report/curve_bins.h"
#include "run/report/run_groups.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

using Path = std::filesystem::path;
using Words = std::vector<std::string>;

void write(const Path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

struct Pretended {
  int seed = 1;
  double learning_rate = 0.001;
  double final_return = 100;
  std::string environment = "CartPole";
};

/// A run of ten updates of 100 steps and 20 episodes each, whose returns rise by ten with each update.
Path pretend(const Path& directory, const Pretended& run) {
  write(directory / "config.json",
        fmt::format(
            R"({{"program": "p", "environment": "{}", "command": "train", "command_line": ["p", "train"],)"
            R"("preset": "tuned", "seed": {}, "learning_rate": {}, "run_dir": "{}"}})",
            run.environment, run.seed, run.learning_rate, directory.filename().string()));
  write(directory / "summary.json",
        fmt::format(R"({{"ended_by": "updates", "wall_seconds": 10, "env_steps_per_second": 100,)"
                    R"("processor_seconds": 20, "final_evaluation": {{"mean": {}, "threshold": 55}}}})",
                    run.final_return));
  std::string rows = "update,environment_steps,wall_seconds,steps_per_second,episodes,return_mean\n";
  for (int update = 1; update <= 10; ++update) {
    rows += fmt::format("{},{},{},100,{},{}\n", update, 100 * update, update, 20 * update, 10 * update);
  }
  write(directory / "metrics.csv", rows);
  return directory;
}

ComparisonOptions options_for(std::vector<Path> runs) {
  ComparisonOptions options;
  options.runs = std::move(runs);
  return options;
}

std::string refusal_of(const ComparisonOptions& options) {
  try {
    compare_runs(options);
  } catch (const ArgumentError& error) {
    return error.what();
  }
  return "taken";
}

bool has_note(const Comparison& comparison, const std::string& text) {
  for (const std::string& note : comparison.notes) {
    if (note.find(text) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("runs that differ in the seed alone are one group, named by what differs") {
  const TemporaryDirectory folder;
  const Comparison comparison =
      compare_runs(options_for({pretend(folder / "a", {1, 0.001, 100}), pretend(folder / "b", {1, 0.01, 50}),
                                pretend(folder / "c", {2, 0.001, 200})}));
  REQUIRE(comparison.groups.size() == 2);
  const ComparedGroup& both = comparison.groups[0];
  CHECK(both.name == "learning_rate=0.001");
  CHECK(both.runs == 2);
  CHECK(both.final_return.mean == 150);
  REQUIRE(both.final_return.interval);
  // Of two values the interval reaches from one to the other.
  CHECK(both.final_return.interval->low == 100);
  CHECK(both.final_return.interval->high == 200);
  CHECK(both.processor_seconds.mean == 20);
  CHECK(comparison.groups[1].name == "learning_rate=0.01");
  CHECK_FALSE(comparison.groups[1].final_return.interval);
  CHECK(comparison.threshold == 55);
  CHECK(comparison.notes.empty());
}

TEST_CASE("the steps to a threshold are those of the latest 100 episodes") {
  const TemporaryDirectory folder;
  ComparisonOptions options = options_for({pretend(folder / "a", {})});
  // After update 8 the latest 100 episodes have returns of 40 to 80: their mean is 60, and it was 50 before.
  const StepsToThreshold steps = compare_runs(options).groups[0].steps;
  CHECK(steps.median == 800);
  options.threshold = 1000;
  CHECK(compare_runs(options).groups[0].steps.reached == 0);
}

TEST_CASE("seeds that never reach a threshold are behind all others") {
  const StepsToThreshold most = steps_to_threshold({300, {}, 100});
  CHECK(most.reached == 2);
  CHECK(most.seeds == 3);
  CHECK(most.median == 300);
  CHECK(most.first == 100);
  CHECK_FALSE(steps_to_threshold({300, {}, {}}).median);
  CHECK_FALSE(steps_to_threshold({300, {}}).median);
  CHECK(steps_to_threshold({100, 200}).median == 150);
  CHECK(steps_to_threshold({{}}).reached == 0);
}

TEST_CASE("the interval of a mean of seeds agrees with known numbers") {
  // Resamples of (1, 2, 3, 4): their mean's deviation is sqrt(1.25 / 4) = 0.559.
  const SeedMean mean = seed_mean({1, 2, 3, 4});
  CHECK(mean.mean == 2.5);
  REQUIRE(mean.interval);
  CHECK(mean.interval->low == Approx(1.5).margin(0.26));
  CHECK(mean.interval->high == Approx(3.5).margin(0.26));
  CHECK_FALSE(seed_mean({7}).interval);
  CHECK(seed_mean({}).seeds == 0);
}

TEST_CASE("a group's curve goes as far as all of its seeds do") {
  const auto curve = mean_curve({{{0, 0}, {10, 10}}, {{2, 20}, {6, 20}, {8, 20}}});
  REQUIRE(curve.size() == kChartPoints);
  CHECK(curve.front().x == 2);
  CHECK(curve.front().y == 11);
  CHECK(curve.back().x == 8);
  CHECK(curve.back().y == 14);
  CHECK(curve.back().low == 8);
  CHECK(curve.back().high == 20);
  CHECK(mean_curve({{{0, 0}, {1, 1}}, {{5, 0}, {6, 1}}}).empty());
  CHECK(mean_curve({{{0, 0}}, {}}).size() == 1);
  CHECK(mean_curve({}).empty());
}

TEST_CASE("a gap of one seed is a gap of its group") {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  const auto curve = mean_curve({{{0, 1}, {10, 1}}, {{0, 3}, {4, kNaN}, {8, 3}, {10, 3}}});
  CHECK(curve.front().y == 2);
  CHECK(std::isnan(curve[kChartPoints / 2].y));
  CHECK(curve.back().y == 2);
}

TEST_CASE("patterns make groups, and a run or a pattern that is left over is refused") {
  const TemporaryDirectory folder;
  ComparisonOptions options = options_for(
      {pretend(folder / "a_1", {1}), pretend(folder / "a_2", {2, 0.5}), pretend(folder / "gamma=0.5", {3})});
  options.patterns = {"mine=a_*", (folder / "gamma=*").string()};
  const Comparison comparison = compare_runs(options);
  REQUIRE(comparison.groups.size() == 2);
  CHECK(comparison.groups[0].name == "mine");
  CHECK(comparison.groups[0].runs == 2);
  CHECK(comparison.groups[1].name == options.patterns[1]);
  options.patterns = {"a_*"};
  CHECK(refusal_of(options).find("gamma=0.5 does not match") != std::string::npos);
  options.patterns = {"*", "b_*"};
  CHECK(refusal_of(options).find("group is 'b_*', and no run") != std::string::npos);
}

TEST_CASE("what cannot be compared is refused by name") {
  const TemporaryDirectory folder;
  const Path run = pretend(folder / "run", {});
  CHECK(refusal_of(options_for({folder / "none"})).find("none: there is no such directory") !=
        std::string::npos);
  CHECK(refusal_of(options_for({run / "config.json"})).find("this is a file") != std::string::npos);
  std::filesystem::create_directory(folder / "empty");
  CHECK(refusal_of(options_for({folder / "empty"})).find("no run is in this directory") != std::string::npos);
  CHECK(refusal_of(options_for({run, run})).find("this run is named twice") != std::string::npos);

  const Path other = pretend(folder / "other", {1, 0.001, 0, "Pendulum"});
  ComparisonOptions options = options_for({run, other});
  CHECK(refusal_of(options).find("this run's task is Pendulum") != std::string::npos);
  options.column = "steps_per_second";
  CHECK(refusal_of(options) == "taken");
  options.column = "speed";
  CHECK(refusal_of(options).find("column is 'speed'") != std::string::npos);
  CHECK(refusal_of(options).find("'steps_per_second'") != std::string::npos);
}

TEST_CASE("damaged files and values leave what can be read") {
  const TemporaryDirectory folder;
  const Path run = pretend(folder / "run", {});
  write(run / "config.json", "{\"environment\": ");
  write(run / "summary.json", "[1, 2]");
  write(run / "evaluations.csv", "");
  std::ofstream(run / "metrics.csv", std::ios::app)
      << "11,1100,11,100,220,nan\n"
      << std::string(1000, '"') << "\n12,1e999,12,100,240,110\n\xFF\x00\n13,1300,13";
  const Comparison comparison = compare_runs(options_for({run}));
  REQUIRE(comparison.groups.size() == 1);
  const ComparedGroup& group = comparison.groups[0];
  CHECK(group.name == run.string());
  CHECK(group.curve.size() == 11);
  CHECK(std::isnan(group.curve.back().y));
  CHECK(group.final_return.mean == Approx(90));  // rows 7 to 10 and 12
  CHECK(has_note(comparison, "config.json cannot be read as a JSON object"));
  CHECK(has_note(comparison, "summary.json cannot be read as a JSON object"));
  CHECK(has_note(comparison, "2 values of return_mean cannot be drawn"));
  CHECK(has_note(comparison, "metrics.csv is damaged: 1 line is no row of it and is left out"));
  CHECK(has_note(comparison, "evaluations.csv is no table of a run"));
  CHECK(has_note(comparison, "the mean of the last 100 training episodes"));
}

TEST_CASE("a run that has nothing yet does not take its group's curve away, and says so") {
  const TemporaryDirectory folder;
  const Path run = pretend(folder / "run", {}), young = pretend(folder / "young", {2});
  write(young / "metrics.csv", "update,environment_steps,wall_seconds,return_mean\n");
  std::filesystem::remove(young / "summary.json");
  const Comparison comparison = compare_runs(options_for({run, young}));
  REQUIRE(comparison.groups.size() == 1);
  CHECK(comparison.groups[0].curve.size() == 10);
  CHECK(comparison.groups[0].final_return.seeds == 1);
  CHECK(comparison.groups[0].steps.seeds == 1);
  CHECK(has_note(comparison, "metrics.csv has no value of return_mean"));
  CHECK(has_note(comparison, "summary.json is missing"));
  CHECK(has_note(comparison, "1 of 2 runs has no return yet"));
  const Comparison alone = compare_runs(options_for({young}));
  CHECK(alone.groups[0].curve.empty());
  CHECK(chart_file(chart_of(alone)).find("nothing to draw") != std::string::npos);
}

TEST_CASE("machines of one group differ in where they are") {
  const TemporaryDirectory folder;
  std::vector<Path> peers;
  for (int number = 1; number <= 2; ++number) {
    peers.push_back(pretend(folder / fmt::format("peer_{}", number), {number}));
    write(peers.back() / "config.json",
          fmt::format(R"({{"environment": "CartPole", "preset": "tuned", "seed": {0}, "name": "peer_{0}",)"
                      R"("neighbour": ["127.0.0.1:{0}"], "listen": "127.0.0.1:{0}"}})",
                      number));
  }
  CHECK(compare_runs(options_for(peers)).groups.size() == 1);
}

TEST_CASE("targets are a threshold when all runs share one") {
  const TemporaryDirectory folder;
  std::vector<Path> runs;
  for (const char* const target : {"50", "50", "null"}) {
    runs.push_back(pretend(folder / std::to_string(runs.size()), {}));
    write(runs.back() / "config.json", fmt::format(R"({{"environment": "A", "target": {}}})", target));
    write(runs.back() / "summary.json", "{}");
  }
  CHECK_FALSE(compare_runs(options_for(runs)).threshold);
  runs.pop_back();
  CHECK(compare_runs(options_for(runs)).threshold == 50);
}

TEST_CASE("evaluations are drawn where every run has some, and else the training episodes") {
  const TemporaryDirectory folder;
  const Path first = pretend(folder / "a", {1}), second = pretend(folder / "b", {2});
  const std::string table =
      "update,environment_steps,wall_seconds,episodes,return_mean\n1,100,1,5,7\n2,200,2,5,9\n";
  write(first / "evaluations.csv", table);
  CHECK(compare_runs(options_for({first, second})).column == "mean return of training episodes");
  write(second / "evaluations.csv", table);
  const Comparison comparison = compare_runs(options_for({first, second}));
  CHECK(comparison.column == "mean return of evaluations");
  CHECK(comparison.groups[0].curve.front().y == 7);
  CHECK(comparison.groups[0].curve.back().y == 9);
}

TEST_CASE("a sweep's directory stands for its runs") {
  const TemporaryDirectory folder;
  write(folder / "sweep.json", "{}");
  pretend(folder / "runs" / "gamma=0.9" / "seed_1", {1, 0.1});
  pretend(folder / "runs" / "gamma=0.9" / "seed_2", {2, 0.1});
  pretend(folder / "runs" / "gamma=0.9" / "seed_2.dead_1", {2, 0.1});
  pretend(folder / "runs" / "gamma=0.5" / "seed_1", {1, 0.2});
  const Comparison comparison = compare_runs(options_for({folder.path()}));
  REQUIRE(comparison.groups.size() == 2);
  CHECK(comparison.groups[0].runs + comparison.groups[1].runs == 3);
}

TEST_CASE("the final return of a sweep's run is what the sweep has evaluated") {
  const TemporaryDirectory folder;
  const Path run = pretend(folder / "seed_1", {});
  write(run / "summary.json", R"({"ended_by": "max_steps"})");
  write(run / "checkpoint_evaluations.csv",
        "checkpoint,update,environment_steps,episodes,mean\na/checkpoints/update_5.safetensors,5,500,9,1\n"
        "a/final.safetensors,10,1000,9,77\n");
  const Comparison comparison = compare_runs(options_for({run}));
  CHECK(comparison.groups[0].final_return.mean == 77);
  CHECK(has_note(comparison, "that of the sweep's evaluation of its final weights"));
}

TEST_CASE("a curve of very many values keeps its ends and its mean in the memory of a picture") {
  CurveBins bins;
  constexpr int kValues = 300'000;
  for (int i = 0; i < kValues; ++i) bins.add(i, i % 2 == 0 ? 1 : 3);
  const auto points = bins.points();
  CHECK(points.size() <= CurveBins::kMost);
  CHECK(points.size() >= CurveBins::kMost / 2);
  for (const ChartPoint& point : {points.front(), points[points.size() / 2], points.back()}) {
    CHECK(point.y == Approx(2).margin(0.2));
    CHECK(point.low == 1);
    CHECK(point.high == 3);
  }
  CHECK(points.back().x > 0.99 * kValues);
}

TEST_CASE("values that have no place or no number do not spoil a curve") {
  CurveBins bins;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double x : {-1.0, kInfinity, std::nan("")}) bins.add(x, 1);
  bins.add(2, 5);
  bins.add(1, kInfinity);
  CHECK(bins.not_drawn() == 4);
  const auto points = bins.points();
  REQUIRE(points.size() == 2);
  CHECK(points[0].x == 1);
  CHECK(std::isnan(points[0].y));
  CHECK(points[1].y == 5);
  // All in one place, and the largest numbers.
  CurveBins dense;
  for (std::size_t i = 0; i < 3 * CurveBins::kMost; ++i) dense.add(0, 1e300);
  REQUIRE(dense.points().size() == 1);
  CHECK(dense.points()[0].y == Approx(1e300));
  dense.add(1e300, 1);
  CHECK(dense.points().size() == 2);
}

TEST_CASE("a table is read a row at a time, without lines that are none of its rows") {
  const TemporaryDirectory folder;
  const Path file = folder / "table.csv";
  write(file, "a,\"b,c\"\n1,2\n" + std::string(5000, 'x') + "\n3\n4,\"5 \"\"6\"\"\"\n7,8");
  CsvReader reader(file, 100);
  CHECK(reader.columns() == CsvRow{"a", "b,c"});
  CsvRow row;
  REQUIRE(reader.next(row));
  CHECK(row == CsvRow{"1", "2"});
  REQUIRE(reader.next(row));
  CHECK(row == CsvRow{"4", "5 \"6\""});
  CHECK_FALSE(reader.next(row));
  CHECK(reader.left_out() == 2);

  CHECK(CsvReader(folder / "none").columns().empty());
  write(file, std::string(200, 'x') + "\n1\n");
  CHECK(CsvReader(file, 100).columns().empty());
  // A whole table in lines as long as the limit.
  write(file, std::string(99, 'x') + "\n" + std::string(99, 'y') + "\n");
  CsvReader exact(file, 100);
  REQUIRE(exact.next(row));
  CHECK(row[0].size() == 99);
}
