#include "genkidama/run/sweep.h"

#include <poll.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>

#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/nn/networks.h"
#include "genkidama/run/stop_signal.h"
#include "genkidama/run/trainer_run.h"
#include "pretended_run.h"
#include "run/metrics/csv_table.h"
#include "run/sweep/definition.h"
#include "support/catch.h"
#include "support/json_file.h"
#include "support/run_program.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

using Path = std::filesystem::path;

double gamma_of(const SweepRun& run) {
  return run.point.empty() ? 0.9 : std::stod(run.point.front().value);
}

OrchestratorOptions trainer_options(const SweepRun& run) {
  OrchestratorOptions options;
  options.workers = 1;
  options.seed = run.seed;
  options.hyperparameters.gamma = gamma_of(run);
  return options;
}

int train_cart_pole(const SweepRun& sweep_run) {
  CoreOrchestrator trainer(make_cart_pole, thesis_network(), trainer_options(sweep_run));
  RunOptions options;
  options.directory = sweep_run.directory;
  options.resume = sweep_run.resume ? Resume::kRequired : Resume::kNever;
  options.updates = 4;
  options.checkpoint_every = 2;
  options.eval_episodes = 0;
  options.end_reason = end_reason;
  run::train(trainer, options);
  return 0;
}

EvaluationRequest three_episodes() {
  EvaluationRequest request;
  request.episodes = 3;
  request.seed = 11;
  return request;
}

int evaluate_cart_pole(const SweepRun& run) {
  CoreOrchestrator trainer(make_cart_pole, thesis_network(), trainer_options(run));
  evaluate_checkpoints(trainer, run, three_episodes());
  return 0;
}

SweepOptions options_for(const Path& directory) {
  SweepOptions options;
  options.directory = directory;
  options.definition = {{{}}, {1}};
  options.train.function = [](const SweepRun& run) {
    pretend_finished(run);
    return 0;
  };
  options.evaluation = [](const SweepRun&) { return EvaluationRequest{0}; };
  return options;
}

CsvTable results_of(const Path& sweep) {
  const auto table = read_csv(sweep / "results.csv");
  REQUIRE(table);
  return *table;
}

std::vector<std::string> column(const CsvTable& table, const std::string& name) {
  std::vector<std::string> fields;
  for (const CsvRow& row : table.rows) fields.push_back(table.field(row, name));
  return fields;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("a sweep of functions trains, evaluates and tells what each setting came to", "[forks]") {
  const TemporaryDirectory directory;
  SweepOptions options;
  options.directory = directory / "sweep";
  options.definition = {{{{"gamma", "0.5"}}, {{"gamma", "0.90"}}}, {1, 2}};
  options.jobs = 2;
  options.train.function = train_cart_pole;
  options.evaluate.function = evaluate_cart_pole;
  options.evaluation = [](const SweepRun&) { return three_episodes(); };
  Recorder recorder;
  const SweepSummary summary = Sweep(options).run(&recorder);
  CAPTURE(summary.failures);
  REQUIRE(summary.failures.empty());
  CHECK_FALSE(summary.stopped);
  CHECK(summary.done == 4);
  CHECK(summary.due == 4);
  CHECK(recorder.ended.size() == 4);
  CHECK(recorder.most <= 2);
  CHECK(summary.results == options.directory / "results.csv");

  const CsvTable table = results_of(options.directory);
  CHECK(column(table, "setting") == Words{"gamma=0.5", "gamma=0.5", "gamma=0.90", "gamma=0.90", "gamma=0.5",
                                          "gamma=0.5", "gamma=0.90", "gamma=0.90"});
  CHECK(column(table, "gamma")[2] == "0.90");
  CHECK(column(table, "update") == Words{"2", "4", "2", "4", "2", "4", "2", "4"});
  CHECK(column(table, "final") == Words{"0", "1", "0", "1", "0", "1", "0", "1"});
  CHECK(column(table, "episodes") == Words(8, "3"));

  // The statistics are those of the runs' final means.
  REQUIRE(summary.settings.size() == 2);
  const Words means = column(table, "mean");
  const double first = std::stod(means[1]), second = std::stod(means[5]);
  CHECK(summary.settings[0].setting == "gamma=0.5");
  CHECK(summary.settings[0].seeds == 2);
  CHECK(summary.settings[0].mean == Approx((first + second) / 2));
  CHECK(summary.settings[0].standard_deviation == Approx(std::abs(first - second) / std::sqrt(2.0)));
  CHECK(summary.settings[0].min == Approx(std::min(first, second)));
  CHECK(summary.settings[0].max == Approx(std::max(first, second)));
  const auto returns = read_csv(options.directory / "final_returns.csv");
  REQUIRE(returns);
  REQUIRE(returns->rows.size() == 4);
  std::istringstream numbers(returns->rows[0][2]);
  double sum = 0;
  int count = 0;
  for (double value = 0; numbers >> value; ++count) sum += value;
  CHECK(count == 3);
  CHECK(sum / 3 == Approx(first).margin(0.05));

  SECTION("made again it has nothing to do, and what is added is made") {
    options.definition = {{{{"gamma", "0.5"}}}, {2, 3}};
    Recorder again;
    const SweepSummary added = Sweep(options).run(&again);
    CHECK(again.done_at_start == 1);
    CHECK(again.started == Words{"gamma=0.5 seed 3"});
    CHECK(added.due == 2);
    CHECK(added.done == 2);
    // Those of before stay in the table, and setting 0.90 gets no third seed unless it is asked for.
    CHECK(results_of(options.directory).rows.size() == 10);
  }
}

TEST_CASE("the figures of an evaluation are in the table as they were written", "[forks]") {
  const TemporaryDirectory directory;
  auto options = options_for(directory / "sweep");
  options.definition = {{{{"b", "1"}}, {{"c", "x,y"}}}, {18446744073709551615u}};
  options.evaluation = [](const SweepRun&) { return EvaluationRequest{2, 5, true}; };
  options.value = [](const SweepRun& run, const std::string& option) { return run.setting() + "/" + option; };
  options.evaluate.function = [](const SweepRun& run) {
    std::ofstream(run.evaluations())
        << "checkpoint,update,environment_steps,episodes,seed,greedy,mean,std,standard_error,ci_low,ci_high,"
           "q25,median,q75,min,max,threshold,threshold_share,mean_length,truncated_share\n"
        << "final.safetensors,3,60,2,5,1,-0.33333333,1e-07,2.5,-1e+20,9.9999999,1,2,3,-4,5.125,,,12345678,0.5"
           "\n";
    std::ofstream(run.returns()) << "checkpoint,update,returns\nfinal.safetensors,3,-1.0 0.3\n";
    return 0;
  };
  REQUIRE(Sweep(options).run().failures.empty());
  const std::string text = file_text(options.directory / "results.csv");
  CHECK(text.find("setting,b,c,seed,update,environment_steps,wall_seconds,final,episodes,greedy,mean,std,"
                  "standard_error,ci_low,ci_high,q25,median,q75,min,max,threshold_share,mean_length,"
                  "truncated_share,steps_per_second\n") == 0);
  CHECK(
      text.find("b=1,1,b=1/c,18446744073709551615,3,60,0.250,1,2,1,-0.33333333,1e-07,2.5,-1e+20,9.9999999,1,"
                "2,3,-4,5.125,,12345678,0.5,120.0\n") != std::string::npos);
  CHECK(text.find("\"c=x,y\",\"c=x,y/b\",\"x,y\",") != std::string::npos);
  CHECK(file_text(options.directory / "final_returns.csv").find("b=1,18446744073709551615,-1.0 0.3\n") !=
        std::string::npos);

  // An evaluation counts when it was made in this way, of these checkpoints.
  Recorder again;
  CHECK(Sweep(options).run(&again).done == 2);
  CHECK(again.done_at_start == 2);
  options.evaluation = [](const SweepRun&) { return EvaluationRequest{2, 6, true}; };
  Recorder other;
  CHECK(Sweep(options).run(&other).done == 2);
  CHECK(other.done_at_start == 0);
  CHECK(other.started.empty());
}

TEST_CASE("a run of a sweep that fails is told, and the others are made", "[forks]") {
  const TemporaryDirectory directory;
  auto options = options_for(directory / "sweep");
  options.definition.seeds = {1, 2, 3, 4};
  options.train.function = [](const SweepRun& run) -> int {
    if (run.seed == 1) throw ArgumentError("the first cannot");
    if (run.seed == 2) ::raise(SIGKILL);
    if (run.seed == 3) return 0;  // it has left nothing
    pretend_finished(run);
    return 0;
  };
  const SweepSummary summary = Sweep(options).run();
  CHECK(summary.done == 1);
  REQUIRE(summary.failures.size() == 3);
  const Path log = options.directory / "runs" / "default" / "seed_1.log";
  CHECK(summary.failures[0] == "default seed 1: it ended with exit code 2; see " + log.string());
  CHECK(file_text(log).find("the first cannot") != std::string::npos);
  CHECK(summary.failures[1].find("signal 9") != std::string::npos);
  CHECK(summary.failures[2].find("it ended before its time") != std::string::npos);
  const CsvTable table = results_of(options.directory);
  CHECK(column(table, "seed") == Words{"4"});
  CHECK(column(table, "episodes") == Words{"0"});
  CHECK(column(table, "wall_seconds") == Words{"0.250"});

  SECTION("and tried again") {
    options.train.function = options_for("").train.function;
    Recorder again;
    CHECK(Sweep(options).run(&again).done == 4);
    CHECK(again.started.size() == 3);
  }
}

TEST_CASE("a sweep goes on with what is there", "[forks]") {
  const TemporaryDirectory directory;
  auto options = options_for(directory / "sweep");
  options.definition.seeds = {1, 2, 3};
  const auto runs = runs_of(options.definition, options.directory);
  pretend_finished(runs[0]);
  pretend(runs[1], "signal", "state.safetensors");
  pretend(runs[2], "error", "nothing");
  std::vector<std::string> checked;
  options.check = [&checked](const SweepRun& run, bool exists) {
    checked.push_back(run.name() + (exists ? " exists" : ""));
  };
  Recorder recorder;
  CHECK(Sweep(options).run(&recorder).done == 3);
  CHECK(recorder.done_at_start == 1);
  CHECK(recorder.started == Words{"default seed 2 again", "default seed 3"});
  CHECK(checked == Words{"default seed 1 exists", "default seed 2 exists", "default seed 3"});
  CHECK(std::filesystem::exists(runs[2].directory.string() + ".dead_1/nothing"));
}

TEST_CASE("a sweep runs so many at a time and no more", "[forks]") {
  const TemporaryDirectory directory;
  auto options = options_for(directory / "sweep");
  options.definition.seeds = {1, 2, 3, 4, 5};
  options.jobs = 3;
  // Three are needed at a time for any of the first three to end.
  options.train.function = [](const SweepRun& run) {
    const auto begun = run.directory.parent_path() / ("begun_" + std::to_string(run.seed));
    std::ofstream(begun) << "x";
    while (run.seed <= 3 && end_reason().empty()) {
      int others = 0;
      for (int seed = 1; seed <= 3; ++seed) {
        others += std::filesystem::exists(run.directory.parent_path() / ("begun_" + std::to_string(seed)));
      }
      if (others == 3) break;
      ::poll(nullptr, 0, 5);
    }
    pretend_finished(run);
    return 0;
  };
  Recorder recorder;
  CHECK(Sweep(options).run(&recorder).done == 5);
  // That three are at work at once is seen by the end of the first three; no look may find more.
  CHECK(recorder.most <= 3);
}

TEST_CASE("a sweep that is stopped ends its runs, and kills those that do not end", "[forks]") {
  const TemporaryDirectory directory;
  auto options = options_for(directory / "sweep");
  options.definition.seeds = {1, 2, 3};
  options.jobs = 2;
  options.end_timeout = Milliseconds(200);
  options.train.function = [](const SweepRun& run) {
    std::ofstream(run.directory.string() + ".begun") << "x";
    while (run.seed == 1 || end_reason().empty()) ::poll(nullptr, 0, 5);
    pretend(run, end_reason(), "state.safetensors");
    return 0;
  };
  const auto runs = runs_of(options.definition, options.directory);
  options.stop = [&runs] {
    return std::filesystem::exists(runs[0].directory.string() + ".begun") &&
           std::filesystem::exists(runs[1].directory.string() + ".begun");
  };
  const SweepSummary summary = Sweep(options).run();
  CHECK(summary.stopped);
  CHECK(summary.done == 0);
  CHECK(summary.failures.empty());
  CHECK_FALSE(std::filesystem::exists(runs[0].directory));
  CHECK(json_of(runs[1].directory / "summary.json")["ended_by"] == "signal");
  CHECK_FALSE(std::filesystem::exists(runs[2].directory));
  // Nobody holds the directory any more.
  options.stop = {};
  options.train.function = options_for("").train.function;
  Recorder again;
  CHECK(Sweep(options).run(&again).done == 3);
  CHECK(again.started == Words{"default seed 1", "default seed 2 again", "default seed 3"});
}

TEST_CASE("a run whose evaluation has not written what there is to evaluate has failed", "[forks]") {
  const TemporaryDirectory directory;
  auto options = options_for(directory / "sweep");
  options.definition.seeds = {1, 2, 3, 4};
  options.evaluation = [](const SweepRun&) { return EvaluationRequest{2, 5, true}; };
  const auto write = [](const SweepRun& run, const std::string& row) {
    std::ofstream(run.evaluations()) << "checkpoint,update,environment_steps,episodes,seed,greedy\n" << row;
    std::ofstream(run.returns()) << "checkpoint,update,returns\nfinal.safetensors,3,1 2\n";
  };
  options.evaluate.function = [write](const SweepRun& run) {
    if (run.seed == 1) return 0;  // nothing
    if (run.seed == 2) write(run, "");
    if (run.seed == 3) write(run, "final.safetensors,3,59,2,5,1\n");  // of other weights
    if (run.seed == 4) write(run, "final.safetensors,3,60,2,5,1\n");
    return 0;
  };
  SweepSummary summary = Sweep(options).run();
  CHECK(summary.done == 1);
  REQUIRE(summary.failures.size() == 3);
  for (int i = 0; i < 3; ++i) {
    CHECK(summary.failures[i].find("default seed " + std::to_string(i + 1) +
                                   ": its evaluation ended well, but did not write a row") == 0);
  }
  // What an earlier evaluation has left is not this one's.
  options.definition.seeds = {4};
  options.evaluation = [](const SweepRun&) { return EvaluationRequest{2, 6, true}; };
  options.evaluate.function = [](const SweepRun&) { return 0; };
  summary = Sweep(options).run();
  CHECK(summary.done == 0);
  CHECK(summary.failures.size() == 1);
}

TEST_CASE("a sweep runs once", "[forks]") {
  const TemporaryDirectory directory;
  Sweep sweep(options_for(directory / "sweep"));
  CHECK(sweep.run().done == 1);
  CHECK_THROWS_WITH(sweep.run(), Catch::Contains("Sweep::run() was already called"));
}

TEST_CASE("a sweep that is not possible is refused before anything is made") {
  const TemporaryDirectory directory;
  const auto refused = [&](const std::function<void(SweepOptions&)>& change) {
    auto options = options_for(directory / "sweep");
    change(options);
    return refusal_of(options);
  };
  CHECK(refused([](auto& o) { o.jobs = 0; }).find("jobs is 0") == 0);
  CHECK(refused([](auto& o) { o.directory.clear(); }).find("directory is empty") == 0);
  CHECK(refused([](auto& o) { o.record = "[1]"; }).find("record is '[1]'") == 0);
  CHECK(refused([](auto& o) { o.train = {}; }).find("train: neither of function and words is given") == 0);
  CHECK(refused([](auto& o) {
          o.train.words = [](const SweepRun&) { return Words{"x"}; };
        }).find("train: both function and words are given") == 0);
  CHECK(refused([](auto& o) { o.evaluation = {}; }).find("evaluate: neither of") == 0);
  CHECK(refused([](auto& o) {
          o.evaluation = [](const SweepRun& run) { return EvaluationRequest{run.seed == 1 ? 0 : -3}; };
          o.definition.seeds = {1, 2};
        }) == "evaluation gives -3 episodes for default seed 2; expected 0 (none) or more");
  CHECK(refused([](auto& o) { o.end_timeout = Milliseconds(-1); }).find("end_timeout is -1 ms") == 0);
  CHECK(refused([](auto& o) {
          o.definition.points = {{{"a", "1"}, {"b", "2"}, {"a", "3"}}};
        }) == "the setting 'a=1,b=2,a=3' has the option 'a' twice; expected each option once");
  CHECK(refused([](auto& o) { o.definition.seeds.clear(); }).find("the sweep has 0 runs") == 0);
  CHECK(refused([](auto& o) { o.definition.seeds = {3, 1, 3}; }) == "the seed 3 is given twice");
  CHECK(refused([](auto& o) { o.definition.points = {{}, {}}; }) == "the setting 'default' is given twice");
  CHECK(refused([](auto& o) {
          o.definition.points = {{{"a", "../b"}}};
        }).find("cannot be a directory's name") != std::string::npos);
  CHECK(refused([](auto& o) {
          o.definition.points = {{{"", "b"}}};
        }).find("cannot be a directory's name") != std::string::npos);
  CHECK(refused([](auto& o) {
          o.definition.points = {{{"a", std::string(300, 'b')}}};
        }).find("expected at most 200") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(directory / "sweep"));
  CHECK(refused([](auto&) {}) == "taken");
}

TEST_CASE("a sweep's directory belongs to one sweep at a time, and to one kind of run", "[forks]") {
  const TemporaryDirectory directory;
  auto options = options_for(directory / "sweep");
  {
    Sweep sweep(options);
    CHECK(refusal_of(options).find("a sweep is at work in this directory") != std::string::npos);
    CHECK(sweep.run().done == 1);
  }
  auto clusters = options;
  clusters.command = "cluster";
  CHECK(refusal_of(clusters).find("the sweep in this directory runs 'train', not 'cluster'") !=
        std::string::npos);
  options.check = [](const SweepRun&, bool) { throw ArgumentError("it is another run"); };
  CHECK(refusal_of(options) == "it is another run");
  std::ofstream(options.directory / "sweep.json") << "{";
  CHECK(refusal_of(options_for(options.directory)).find("not the record of a sweep") != std::string::npos);
}
