#include <cmath>
#include <fstream>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/run/evaluation.h"
#include "run/directory/checkpoint_list.h"
#include "run/evaluation/evaluation_json.h"
#include "run/evaluation/sample.h"
#include "run/metrics/csv_table.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

using Path = std::filesystem::path;

// Nearly normal: the sum of twelve uniform numbers.
std::vector<double> normal_sample(std::size_t count) {
  Random random(5);
  std::vector<double> values(count, 100);
  for (double& value : values) {
    for (int i = 0; i < 12; ++i) value += 20 * (random.uniform() - 0.5);
  }
  return values;
}

double width(const Interval& interval) {
  return interval.high - interval.low;
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double standard_error_of(const std::vector<double>& values) {
  double squares = 0;
  for (const double value : values) squares += (value - mean_of(values)) * (value - mean_of(values));
  const auto count = static_cast<double>(values.size());
  return std::sqrt(squares / (count - 1) / count);
}

void write_checkpoint(const Path& path, const std::string& update) {
  std::filesystem::create_directories(path.parent_path());
  Checkpoint checkpoint;
  checkpoint.layout = ParameterLayout({{"w", {1}}});
  checkpoint.weights = {1};
  if (!update.empty()) checkpoint.metadata["update"] = update;
  write_safetensors(path, checkpoint);
}

std::string refusal(const std::vector<std::string>& paths) {
  try {
    checkpoints_of(paths);
  } catch (const ArgumentError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("the interval of a mean is that of the normal distribution for a normal sample") {
  for (const std::size_t count : {50U, 200U, 1000U}) {
    const auto values = normal_sample(count);
    const Interval interval = bootstrap_mean_interval(values);
    const double reach = 1.96 * standard_error_of(values);
    CAPTURE(count, interval.low, interval.high);
    CHECK(interval.low == Approx(mean_of(values) - reach).margin(0.15 * reach));
    CHECK(interval.high == Approx(mean_of(values) + reach).margin(0.15 * reach));
    CHECK(interval.low < mean_of(values));
    CHECK(interval.high > mean_of(values));
  }
}

TEST_CASE("the interval of a mean is the same each time and shrinks with the sample") {
  const auto values = normal_sample(400);
  const Interval interval = bootstrap_mean_interval(values);
  CHECK(bootstrap_mean_interval(values).low == interval.low);
  CHECK(bootstrap_mean_interval(values).high == interval.high);
  CHECK(width(bootstrap_mean_interval(std::span(values).first(100))) > 1.5 * width(interval));
  // The other way to find it begins beyond 100,000 values, and agrees.
  const auto many = normal_sample(100'001);
  const double below = width(bootstrap_mean_interval(std::span(many).first(100'000)));
  CHECK(width(bootstrap_mean_interval(many)) == Approx(below).epsilon(0.1));
}

TEST_CASE("the interval of a mean follows a sample that leans to one side") {
  std::vector<double> values(95, 0);
  values.insert(values.end(), 5, 100);
  const Interval interval = bootstrap_mean_interval(values);
  CHECK(interval.high - 5 > 1.15 * (5 - interval.low));
  CHECK(interval.low >= 0);
  CHECK(width(bootstrap_mean_interval(std::vector<double>{3})) == 0);
  CHECK(bootstrap_mean_interval(std::vector<double>(7, 0.1)).low == Approx(0.1));
  CHECK_THROWS_AS(bootstrap_mean_interval({}), ArgumentError);
}

TEST_CASE("an episode that was cut has no metrics, and the others' count") {
  const std::vector<std::string> names = {"success", "distance"};
  const EpisodeResult whole{1, 5, false, {1, 4}}, other{1, 5, true, {0, 2}}, cut{1, 65'536, true, {}};
  const auto statistics = statistics_of(std::vector{whole, cut, other}, NAN, names);
  REQUIRE(statistics.metrics.size() == 2);
  CHECK(statistics.metrics[0].mean == 0.5);
  CHECK(statistics.metrics[1].mean == 3);
  CHECK(statistics.truncated_share == Approx(2.0 / 3));
  CHECK(statistics_of(std::vector{cut}, NAN, names).metrics.empty());
  // An episode that ended by itself has them all.
  const EpisodeResult lacking{1, 5, false, {}}, few{1, 5, true, {1}};
  CHECK_THROWS_AS(statistics_of(std::vector{lacking}, NAN, names), ArgumentError);
  CHECK_THROWS_AS(statistics_of(std::vector{few}, NAN, names), ArgumentError);
}

TEST_CASE("quantiles lie between the nearest values") {
  const std::vector<double> values = {1, 2, 4, 8};
  CHECK(quantile_of(values, 0) == 1);
  CHECK(quantile_of(values, 0.5) == 3);
  CHECK(quantile_of(values, 0.25) == Approx(1.75));
  CHECK(quantile_of(values, 0.75) == Approx(5));
  CHECK(quantile_of(values, 1) == 8);
  CHECK(quantile_of(std::vector<double>{7}, 0.25) == 7);
}

TEST_CASE("an evaluation tells quartiles and the interval of its mean") {
  std::vector<EpisodeResult> episodes;
  for (int i = 1; i <= 5; ++i) episodes.push_back({10.0 * i, 1, false});
  const auto json = to_json(statistics_of(episodes, std::nan("")));
  CHECK(json["q25"] == 20);
  CHECK(json["median"] == 30);
  CHECK(json["q75"] == 40);
  CHECK(json["ci_low"].get<double>() < 25);
  CHECK(json["ci_low"].get<double>() > 10);
  CHECK(json["ci_high"].get<double>() > 35);
  CHECK(json["ci_high"].get<double>() < 50);
}

TEST_CASE("a table is read as it was written") {
  const TemporaryDirectory directory;
  const auto path = directory / "table.csv";
  const std::vector<CsvRow> rows = {{"a,b", "", "say \"x\""}, {"1", "2", "3"}};
  std::ofstream(path) << csv_line({"first", "second", "third"}) << csv_line(rows[0]) << csv_line(rows[1])
                      << "cut o";
  const auto table = read_csv(path);
  REQUIRE(table);
  CHECK(table->rows == rows);
  CHECK(table->field(rows[1], "third") == "3");
  CHECK(table->field(rows[1], "fourth").empty());
  CHECK_FALSE(read_csv(directory / "none.csv"));
}

TEST_CASE("a directory stands for its checkpoints, in the order of their numbers, the final one last") {
  const TemporaryDirectory directory;
  const Path run = directory / "run";
  const Path checkpoints = run / "checkpoints";
  for (const char* update : {"000100", "1000000", "999999"}) {
    write_checkpoint(checkpoints / (std::string("update_") + update + ".safetensors"), update);
  }
  write_checkpoint(run / "state.safetensors", "");
  write_checkpoint(run / "final.safetensors", "1000001");
  std::ofstream(checkpoints / "notes.txt") << "";
  std::ofstream(checkpoints / ".genkidama-1.tmp") << "";
  const std::vector<Path> all = {checkpoints / "update_000100.safetensors",
                                 checkpoints / "update_999999.safetensors",
                                 checkpoints / "update_1000000.safetensors", run / "final.safetensors"};
  CHECK(checkpoints_of({run.string()}) == all);
  CHECK(checkpoints_of({checkpoints.string()}) == std::vector<Path>(all.begin(), all.end() - 1));
  CHECK(checkpoints_of({all[3].string(), all[0].string()}) == std::vector<Path>{all[3], all[0]});

  // The last checkpoint of a run that ended there holds the same weights.
  write_checkpoint(run / "final.safetensors", "1000000");
  CHECK(checkpoints_of({run.string()}) == std::vector<Path>{all[0], all[1], all[3]});

  CHECK(refusal({(directory / "none").string()}).find("there is no such file or directory") !=
        std::string::npos);
  CHECK(refusal({all[0].string(), run.string()}).find("is given twice") != std::string::npos);
  std::filesystem::create_directory(directory / "empty");
  CHECK(refusal({(directory / "empty").string()}).find("no checkpoints are in this directory") !=
        std::string::npos);
}
