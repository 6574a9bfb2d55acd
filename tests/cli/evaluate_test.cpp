#include <cmath>
#include <fstream>

#include "cli/terminal/text_table.h"
#include "fixture.h"
#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/params/safetensors.h"
#include "run/directory/checkpoint_list.h"
#include "run/evaluation/bootstrap.h"
#include "run/evaluation/evaluation.h"
#include "run/metrics/csv_table.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::cli;
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

// A run of the test program with checkpoints at 5, 10 and 12.
void make_run(const Path& run, const std::string& preset = "thesis") {
  REQUIRE(
      run_program(call("train", "--preset", preset, "--workers", "1", "--updates", "12", "--checkpoint-every",
                       "5", "--learning-rate", "0.01", "--eval-episodes", "0", "--run-dir", run.string()))
          .exit_code == 0);
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
  CHECK(to_table(statistics_of(episodes, 0)).find("95 % interval 1") != std::string::npos);
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
  CHECK(aligned_table({"name", "x"}, {{"a", "100"}, {"long name", "2"}}) ==
        "name         x\na          100\nlong name    2\n");
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

TEST_CASE("several checkpoints evaluated at once give what each gives alone", "[forks]") {
  const TemporaryDirectory directory;
  const Path run = directory / "run";
  make_run(run);
  const auto evaluate = [&](std::vector<std::string> checkpoints, const std::string& workers) {
    std::vector<std::string> words = call("evaluate", "--episodes", "6", "--seed", "3", "--workers", workers);
    words.insert(words.end(),
                 {"--json", (directory / "x.json").string(), "--csv", (directory / "x.csv").string(),
                  "--returns", (directory / "r.csv").string(), "--checkpoint"});
    words.insert(words.end(), checkpoints.begin(), checkpoints.end());
    const auto result = run_program(words);
    CAPTURE(words, result.errors);
    REQUIRE(result.exit_code == 0);
    return std::pair(result.output, json_of(directory / "x.json"));
  };
  const auto [table, all] = evaluate({run.string()}, "2");
  REQUIRE(all.is_array());
  REQUIRE(all.size() == 3);
  CHECK(table.find("3 checkpoints on CartPole-v1, 6 episodes each (seed 3, sampled actions)") == 0);
  CHECK(table.find("95 % interval") != std::string::npos);
  CHECK(table.find(">= 475") != std::string::npos);

  const auto rows = csv_of(directory / "x.csv");
  REQUIRE(rows.size() == 4);
  CHECK(rows[0][0] == "checkpoint");
  const auto returns = csv_of(directory / "r.csv");
  REQUIRE(returns.size() == 4);
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < 3; ++i) {
    const int update = std::vector<int>{5, 10, 12}[i];
    CHECK(all[i]["update"] == update);
    CHECK(rows[i + 1][1] == std::to_string(update));
    CHECK(rows[i + 1][3] == "6");
    CHECK(std::stod(rows[i + 1][6]) == Approx(all[i]["mean"].get<double>()));
    std::istringstream numbers(returns[i + 1][2]);
    double sum = 0;
    for (double value = 0; numbers >> value;) sum += value;
    CHECK(sum / 6 == Approx(all[i]["mean"].get<double>()).margin(0.05));
    paths.push_back(all[i]["checkpoint"].get<std::string>());
  }
  CHECK(all[0]["mean"] != all[1]["mean"]);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto [text, alone] = evaluate({paths[i]}, "1");
    CHECK(alone == all[i]);
    CHECK(text.find(paths[i] + " on CartPole-v1\n  episodes ") == 0);
    CHECK(csv_of(directory / "x.csv")[1] == rows[i + 1]);
  }
  CHECK(evaluate({paths[2], paths[0]}, "1").second == nlohmann::json::array({all[2], all[0]}));
}

TEST_CASE("bad checkpoints among good ones are refused before anything is played", "[forks]") {
  const TemporaryDirectory directory;
  const Path run = directory / "run";
  make_run(run);
  const std::string good = (run / "final.safetensors").string();
  const auto refuse = [&](const Path& bad, const std::string& expected) {
    const auto csv = directory / "x.csv";
    const auto result = run_program(call("evaluate", "--workers", "1", "--csv", csv.string(), "--checkpoint",
                                         good, "--checkpoint", bad.string()));
    CAPTURE(result.errors);
    CHECK(result.exit_code == 2);
    CHECK(result.output.empty());
    CHECK(result.errors.find("error: --checkpoint") == 0);
    CHECK(result.errors.find(expected) != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(csv));
  };
  refuse(directory / "none.safetensors", "there is no such file");
  std::ofstream(directory / "text.safetensors") << "not a checkpoint";
  refuse(directory / "text.safetensors", "text.safetensors");
  write_checkpoint(directory / "foreign.safetensors", "1");
  refuse(directory / "foreign.safetensors", "foreign.safetensors");
  make_run(directory / "other", "other");
  refuse(directory / "other" / "final.safetensors", "with the preset 'thesis'");
  refuse(directory / "other" / "final.safetensors", "with 'other'");

  // Whoever names a preset gets its network, which the other weights then do not fit.
  const auto named =
      run_program(call("evaluate", "--workers", "1", "--preset", "other", "--episodes", "2", "--checkpoint",
                       (directory / "other" / "final.safetensors").string(), good));
  CHECK(named.exit_code == 2);
  CHECK(named.errors.find("pi1") != std::string::npos);
}
