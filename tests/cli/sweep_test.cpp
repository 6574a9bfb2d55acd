#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <map>

#include "bad_argument.h"
#include "fixture.h"
#include "support/catch.h"

using namespace genkidama::test;

namespace {

using Path = std::filesystem::path;
using Words = std::vector<std::string>;

// Rows as maps by column, with quoted fields.
std::vector<std::map<std::string, std::string>> table_of(const Path& path) {
  std::istringstream lines(file_text(path));
  Words columns;
  std::vector<std::map<std::string, std::string>> rows;
  for (std::string line; std::getline(lines, line);) {
    Words fields(1);
    bool quoted = false;
    for (const char c : line) {
      if (c == '"') quoted = !quoted;
      if (c == ',' && !quoted) fields.emplace_back();
      if (c != '"' && (c != ',' || quoted)) fields.back() += c;
    }
    if (columns.empty()) {
      columns = fields;
      continue;
    }
    REQUIRE(fields.size() == columns.size());
    auto& row = rows.emplace_back();
    for (std::size_t i = 0; i < fields.size(); ++i) row[columns[i]] = fields[i];
  }
  return rows;
}

Words column_of(const Path& path, const std::string& name) {
  Words values;
  for (const auto& row : table_of(path)) values.push_back(row.at(name));
  return values;
}

Words sweep_call(const Path& directory, const Words& words) {
  Words all = call("sweep", "train", "--workers", "1", "--run-dir", directory.string());
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

// Another file at the same place, or the same with other bytes, has another one of these.
std::string identity_of(const Path& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return std::to_string(status.st_ino) + " " + std::to_string(status.st_mtim.tv_sec) + " " +
         std::to_string(status.st_mtim.tv_nsec);
}

std::map<std::string, std::string> identities_in(const Path& directory) {
  std::map<std::string, std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) found[entry.path().string()] = identity_of(entry.path());
  }
  return found;
}

const Words kFlags = {"--updates", "6", "--checkpoint-every", "3"};
const Words kEvaluation = {"--eval-episodes", "4", "--eval-seed", "11"};

Words joined(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// The call of the sweep that is made once.
Words first_call(const Path& directory, const Words& more = {}) {
  const Words grid = {"--grid", "gamma=0.5,0.90", "--seeds", "2"};
  return joined(sweep_call(directory, joined(joined(kFlags, grid), kEvaluation)), more);
}

/// Two settings with two seeds each.
struct FinishedSweep {
  TemporaryDirectory directory;
  ProgramResult result = run_program(first_call(directory / "sweep", {"--jobs", "2"}));
};

/// Made once.
const FinishedSweep& finished_sweep() {
  static const FinishedSweep sweep;
  CAPTURE(sweep.result.errors, sweep.result.output);
  REQUIRE(sweep.result.exit_code == 0);
  return sweep;
}

Path copy_of_sweep(const TemporaryDirectory& directory) {
  const Path sweep = directory / "sweep";
  std::filesystem::copy(finished_sweep().directory / "sweep", sweep,
                        std::filesystem::copy_options::recursive);
  return sweep;
}

}  // namespace

TEST_CASE("a sweep runs every setting with every seed and prints a table of the settings", "[forks]") {
  const auto& result = finished_sweep().result;
  CHECK(result.output.find("setting     seeds") != std::string::npos);
  CHECK(result.output.find("gamma=0.90      2") != std::string::npos);
}

TEST_CASE("the table of a sweep has these columns, and no machine's paths", "[forks]") {
  const Path results = finished_sweep().directory / "sweep" / "results.csv";
  CHECK(csv_of(results)[0] == Words{"setting",
                                    "gamma",
                                    "seed",
                                    "update",
                                    "environment_steps",
                                    "wall_seconds",
                                    "final",
                                    "episodes",
                                    "greedy",
                                    "mean",
                                    "std",
                                    "standard_error",
                                    "ci_low",
                                    "ci_high",
                                    "q25",
                                    "median",
                                    "q75",
                                    "min",
                                    "max",
                                    "threshold_share",
                                    "mean_length",
                                    "truncated_share",
                                    "steps_per_second"});
  CHECK(file_text(results).find(finished_sweep().directory.path().string()) == std::string::npos);
}

TEST_CASE("the table of a sweep has a row for every checkpoint of every run", "[forks]") {
  const Path sweep = finished_sweep().directory / "sweep";
  const auto rows = table_of(sweep / "results.csv");
  // Two runs of two settings; the checkpoint of the last update is the final one.
  REQUIRE(rows.size() == 8);
  const Words settings = column_of(sweep / "results.csv", "setting");
  CHECK(std::count(settings.begin(), settings.end(), "gamma=0.5") == 4);
  CHECK(std::count(settings.begin(), settings.end(), "gamma=0.90") == 4);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    CAPTURE(i, row);
    const Path run = sweep / "runs" / row.at("setting") / ("seed_" + row.at("seed"));
    CHECK(row.at("setting") == "gamma=" + row.at("gamma"));
    CHECK(row.at("update") == (i % 2 == 0 ? "3" : "6"));
    CHECK(row.at("final") == (i % 2 == 0 ? "0" : "1"));
    CHECK(row.at("episodes") == "4");
    CHECK(row.at("greedy") == "0");
    const auto metrics = csv_of(run / "metrics.csv");
    CHECK(row.at("environment_steps") == metrics[std::stoul(row.at("update"))][1]);
    CHECK(row.at("wall_seconds") == metrics[std::stoul(row.at("update"))][2]);
    CHECK(std::stod(row.at("ci_low")) <= std::stod(row.at("mean")));
    CHECK(std::stod(row.at("ci_high")) >= std::stod(row.at("mean")));
    CHECK(std::stod(row.at("steps_per_second")) > 0);
    const auto config = json_of(run / "config.json");
    CHECK(config["seed"] == std::stoi(row.at("seed")));
    CHECK(config["gamma"] == std::stod(row.at("gamma")));
  }
}

TEST_CASE("a sweep keeps every return of the last weights", "[forks]") {
  const Path sweep = finished_sweep().directory / "sweep";
  const auto rows = table_of(sweep / "results.csv");
  REQUIRE(rows.size() == 8);
  const auto returns = table_of(sweep / "final_returns.csv");
  REQUIRE(returns.size() == 4);
  std::istringstream numbers(returns[3].at("returns"));
  double sum = 0;
  int count = 0;
  for (double value = 0; numbers >> value; ++count) sum += value;
  CHECK(count == 4);
  CHECK(std::stod(rows[7].at("mean")) == Approx(sum / 4).margin(0.05));
}

TEST_CASE("a sweep evaluates as the same call by hand does", "[forks]") {
  const TemporaryDirectory directory;
  const Path sweep = finished_sweep().directory / "sweep";
  const auto row = table_of(sweep / "results.csv").back();
  const auto json = directory / "one.json";
  const Path run = sweep / "runs" / row.at("setting") / ("seed_" + row.at("seed"));
  REQUIRE(run_program(call("evaluate", "--checkpoint", (run / "final.safetensors").string(), "--episodes",
                           "4", "--seed", "11", "--workers", "1", "--json", json.string()))
              .exit_code == 0);
  CHECK(json_of(json)["mean"].get<double>() == Approx(std::stod(row.at("mean"))));
}

TEST_CASE("a sweep that is called again has nothing to do; seeds and values can be added", "[forks]") {
  const TemporaryDirectory directory;
  const Path sweep = copy_of_sweep(directory);
  const auto before = identities_in(sweep / "runs");
  const Words grid = {"--grid", "gamma=0.5,0.75", "--seeds", "2-3"};
  const auto again = run_program(sweep_call(sweep, joined(joined(kFlags, grid), kEvaluation)));
  CAPTURE(again.errors);
  REQUIRE(again.exit_code == 0);
  auto after = identities_in(sweep / "runs");
  for (const auto& [path, identity] : before) {
    CAPTURE(path);
    CHECK(after[path] == identity);
  }
  // Seeds 1 and 2 of 0.5 and 0.90 from before, seed 3 of 0.5, seeds 2 and 3 of 0.75.
  CHECK(table_of(sweep / "results.csv").size() == 2 * 7);
}

TEST_CASE("other episodes play the evaluations of a sweep again, and only them", "[forks]") {
  const TemporaryDirectory directory;
  const Path sweep = copy_of_sweep(directory);
  const Words evaluation = {"--grid", "gamma=0.5,0.90", "--seeds", "2",       "--eval-episodes",
                            "5",      "--eval-seed",    "11",      "--greedy"};
  const auto again = run_program(sweep_call(sweep, joined(kFlags, evaluation)));
  CAPTURE(again.errors);
  REQUIRE(again.exit_code == 0);
  for (const auto& row : table_of(sweep / "results.csv")) {
    CHECK(row.at("episodes") == "5");
    CHECK(row.at("greedy") == "1");
  }
  CHECK(again.errors.find("starts") == std::string::npos);
}

TEST_CASE("a changed flag is refused with the old and the new value, and nothing is touched", "[forks]") {
  const TemporaryDirectory directory;
  const Path sweep = copy_of_sweep(directory);
  const auto before = identities_in(sweep);
  check_bad_argument(sweep_call(sweep, {"--updates", "7", "--checkpoint-every", "3", "--grid", "gamma=0.5"}),
                     "this run was made with --updates 6, the sweep is now called with 7");
  check_bad_argument(sweep_call(sweep, joined(kFlags, {"--grid", "gamma=0.5", "--learning-rate", "0.5"})),
                     "this run was made with --learning-rate 0.0001, the sweep is now called with 0.5");
  check_bad_argument(call("sweep", "cluster", "--run-dir", sweep.string(), "--updates", "6"),
                     "the sweep in this directory runs 'train', not 'cluster'");
  CHECK(identities_in(sweep) == before);
}

TEST_CASE("runs without the sweep's record are taken as they are", "[forks]") {
  const TemporaryDirectory directory;
  const Path sweep = copy_of_sweep(directory);
  const auto rows = table_of(sweep / "results.csv");
  std::filesystem::remove(sweep / "sweep.json");
  std::filesystem::remove(sweep / "results.csv");
  const auto before = identities_in(sweep / "runs");
  check_bad_argument(sweep_call(sweep, {"--updates", "8", "--checkpoint-every", "3", "--grid", "gamma=0.5"}),
                     "--updates 6");
  const auto again = run_program(first_call(sweep));
  CAPTURE(again.errors);
  REQUIRE(again.exit_code == 0);
  CHECK(identities_in(sweep / "runs") == before);
  CHECK(table_of(sweep / "results.csv") == rows);
}

TEST_CASE("a sweep that was killed goes on where it stopped", "[forks]") {
  const TemporaryDirectory directory;
  const Path sweep = directory / "sweep";
  const Path first = sweep / "runs" / "updates=3" / "seed_1";
  const Path second = sweep / "runs" / "updates=1500" / "seed_1";
  const Words words = sweep_call(
      sweep, {"--checkpoint-every", "20", "--grid", "updates=3,1500", "--eval-episodes", "2", "--jobs", "1"});
  const int signal = GENERATE(SIGKILL, SIGTERM);
  CAPTURE(signal);
  {
    RunningProgram program(words);
    REQUIRE(program.wait_until(
        [&] { return std::filesystem::exists(second / "checkpoints" / "update_000040.safetensors"); }));
    program.signal(signal);
    const auto result = program.wait();
    CAPTURE(result.errors);
    CHECK(result.exit_code == 128 + signal);
    // The runs end with it and leave something to go on from.
    REQUIRE(program.all_gone());
  }
  REQUIRE(json_of(second / "summary.json")["ended_by"] == "signal");
  const auto before = identities_in(first);

  const auto again = run_program(words);
  CAPTURE(again.errors);
  REQUIRE(again.exit_code == 0);
  CHECK(again.errors.find("updates=1500 seed 1: goes on") != std::string::npos);
  CHECK(identities_in(first) == before);
  CHECK(json_of(second / "summary.json")["ended_by"] == "updates");
  const auto metrics = csv_of(second / "metrics.csv");
  REQUIRE(metrics.size() == 1501);
  for (std::size_t i = 1; i < metrics.size(); ++i) REQUIRE(metrics[i][0] == std::to_string(i));
  CHECK(table_of(sweep / "results.csv").size() == 1 + 75);
}

TEST_CASE("a run that ended before it had a state is kept aside and made anew", "[forks]") {
  const TemporaryDirectory directory;
  const Path sweep = directory / "sweep";
  const Path run = sweep / "runs" / "default" / "seed_1";
  std::filesystem::create_directories(run / "checkpoints");
  std::ofstream(run / "config.json") << "{}";
  std::ofstream(run / "metrics.csv") << "update,value\n1,2\n";
  const auto result = run_program(sweep_call(sweep, {"--updates", "3", "--eval-episodes", "0"}));
  CAPTURE(result.errors);
  REQUIRE(result.exit_code == 0);
  CHECK(file_text(sweep / "runs" / "default" / "seed_1.dead_1" / "metrics.csv") == "update,value\n1,2\n");
  // Without an evaluation there is a row that tells how far the run came.
  const auto rows = table_of(sweep / "results.csv");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].at("update") == "3");
  CHECK(rows[0].at("episodes") == "0");
  CHECK(rows[0].at("mean").empty());

  SECTION("something else in its place is not touched") {
    const Path other = sweep / "runs" / "default" / "seed_2";
    std::filesystem::create_directories(other);
    std::ofstream(other / "notes.txt") << "mine";
    check_bad_argument(sweep_call(sweep, {"--updates", "3", "--seeds", "2"}), "not the directory of a run");
    CHECK(file_text(other / "notes.txt") == "mine");
  }
}

TEST_CASE("a run that fails is told with its log, and the others go on", "[forks]") {
  const TemporaryDirectory directory;
  const Path sweep = directory / "sweep";
  const Words words = sweep_call(
      sweep, {"--updates", "3", "--eval-episodes", "2", "--grid", "preset=broken,thesis", "--seeds", "1"});
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto result = run_program(words);
    CAPTURE(attempt, result.errors);
    CHECK(result.exit_code == 1);
    CHECK(result.errors.find("preset=broken seed 1: it ended with exit code 1; see") != std::string::npos);
    const Path log = sweep / "runs" / "preset=broken" / "seed_1.log";
    CHECK(result.errors.find(log.string()) != std::string::npos);
    CHECK(file_text(log).find("this network is broken") != std::string::npos);
    CHECK(column_of(sweep / "results.csv", "setting") == Words{"preset=thesis"});
  }
}

TEST_CASE("two sweeps do not work in one directory", "[forks]") {
  const TemporaryDirectory directory;
  const Path sweep = directory / "sweep";
  RunningProgram program(sweep_call(sweep, {"--max-steps", "1e9", "--checkpoint-every", "5"}));
  REQUIRE(program.wait_until(
      [&] { return std::filesystem::exists(sweep / "runs" / "default" / "seed_1" / "state.safetensors"); }));
  check_bad_argument(sweep_call(sweep, {"--max-steps", "1e9", "--checkpoint-every", "5"}),
                     "a sweep is at work");
  program.signal(SIGINT);
  CHECK(program.wait().exit_code == 128 + SIGINT);
  CHECK(program.all_gone());
}

TEST_CASE("a run that somebody else has started is left alone", "[forks]") {
  const TemporaryDirectory directory;
  const Path sweep = directory / "sweep";
  const Path run = sweep / "runs" / "default" / "seed_1";
  RunningProgram program(call("train", "--workers", "1", "--max-steps", "1e9", "--checkpoint-every", "5",
                              "--seed", "1", "--run-dir", run.string()));
  REQUIRE(program.wait_until([&] { return std::filesystem::exists(run / "state.safetensors"); }));
  const Words words = sweep_call(sweep, {"--max-steps", "1e9", "--checkpoint-every", "5"});
  check_bad_argument(words, "a process is at work in this run's directory");
  program.signal(SIGTERM);
  CHECK(program.wait().exit_code == 128 + SIGTERM);
}

TEST_CASE("a bad setting is refused before anything is made", "[forks]") {
  const TemporaryDirectory directory;
  const Path sweep = directory / "sweep";
  check_bad_argument(sweep_call(sweep, {"--updates", "3", "--grid", "gamma=0.5,1.5"}),
                     "setting gamma=1.5: --gamma is '1.5'");
  check_bad_argument(sweep_call(sweep, {"--updates", "3", "--seeds", "none"}), "--seeds is 'none'");
  CHECK_FALSE(std::filesystem::exists(sweep));

  REQUIRE(run_program(call("train", "--workers", "1", "--updates", "2", "--eval-episodes", "0", "--run-dir",
                           sweep.string()))
              .exit_code == 0);
  check_bad_argument(sweep_call(sweep, {"--updates", "3"}), "a run is in this directory already");
}

TEST_CASE("a sweep of clusters", "[forks]") {
  const TemporaryDirectory directory;
  const Path sweep = directory / "sweep";
  const auto result = run_program(call("sweep", "cluster", "--workers", "1", "--children", "2", "--updates",
                                       "6", "--checkpoint-every", "3", "--run-dir", sweep.string(), "--grid",
                                       "alpha=0.5", "--eval-episodes", "3", "--setting", "beta=0.25"));
  CAPTURE(result.errors);
  REQUIRE(result.exit_code == 0);
  const auto rows = table_of(sweep / "results.csv");
  REQUIRE(rows.size() >= 2);
  CHECK(rows.front().at("setting") == "beta=0.25,alpha=0.5");
  CHECK(rows.front().at("alpha") == "0.5");
  CHECK(rows.back().at("final") == "1");
}
