// A Parent's and a Child's run, without a command line, on threads of one program.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <future>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/run/child_run.h"
#include "genkidama/run/parent_run.h"
#include "genkidama/run/trainer_run.h"
#include "run/metrics/csv_table.h"
#include "run/parent_thread.h"
#include "run/resumed_run.h"
#include "support/catch.h"
#include "support/json_file.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

/// Plays rounds of so many steps and returns, and changes no weight.
class ScriptedTrainer : public LocalTrainer {
 public:
  struct Round {
    std::uint64_t steps = 0;
    std::vector<double> returns;
  };
  ScriptedTrainer(const CoreOrchestrator& like, std::vector<Round> rounds)
      : layout_(like.layout()), weights_(layout_.size(), 0.5f), rounds_(std::move(rounds)) {}

  const ParameterLayout& layout() const override { return layout_; }
  RoundReport train_round() override {
    const Round& round = rounds_.at(next_++);
    RoundReport report;
    report.steps_in_round = round.steps;
    for (const double each : round.returns) report.episodes.push_back({each, 1, false});
    return report;
  }
  void read_weights(std::span<float> out) const override {
    std::copy(weights_.begin(), weights_.end(), out.begin());
  }
  void write_weights(std::span<const float> in) override { weights_.assign(in.begin(), in.end()); }

 private:
  ParameterLayout layout_;
  std::vector<float> weights_;
  std::vector<Round> rounds_;
  std::size_t next_ = 0;
};

/// Holds a Parent's run up after its first update, until it may go on.
struct SlowToRecord : RunObserver {
  void on_listening(std::span<const std::uint16_t> ports) override { port.set_value(ports.front()); }
  void on_update(const UpdateEvent& event) override {
    if (event.totals.updates == 1) goes_on.get_future().wait();
  }
  void on_evaluation(const EvaluationEvent&) override {
    if (!std::exchange(has_evaluated, true)) evaluated.set_value();
  }
  std::promise<std::uint16_t> port;
  std::promise<void> goes_on, evaluated;
  bool has_evaluated = false;
};

/// A Child, without a run of its own, that exchanges after each of its rounds and leaves.
void exchange_all(std::uint16_t port, const CoreOrchestrator& like,
                  std::vector<ScriptedTrainer::Round> rounds) {
  const std::size_t count = rounds.size();
  ScriptedTrainer trainer(like, std::move(rounds));
  Child child(child_of(port), trainer);
  child.run([count](const ChildProgress& progress) { return progress.rounds < count; });
  CHECK(child.progress().exchanges == count);
}

/// Adds the same to its weights in the same round, whichever process it is in.
class RepeatableTrainer : public LocalTrainer {
 public:
  RepeatableTrainer(const CoreOrchestrator& like, unsigned number, std::uint64_t round)
      : layout_(like.layout()), weights_(layout_.size()), number_(number), round_(round) {
    moments_.values.resize(layout_.size());
  }

  const ParameterLayout& layout() const override { return layout_; }
  RoundReport train_round() override {
    const auto step = static_cast<float>(++round_ * number_ % 7);
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      weights_[i] +=
          0.01f * (step - static_cast<float>(i % 5)) + 0.001f * weights_[(i + 1) % weights_.size()];
      // They are in the weights too, so that the run depends on them.
      moments_.values[i] = 0.9f * moments_.values[i] + 0.25f * step * step;
      weights_[i] += 0.01f * moments_.values[i];
    }
    ++moments_.steps;
    RoundReport report;
    report.steps_in_round = 10 * number_;
    report.episodes.push_back({static_cast<double>(number_), 1, false});
    return report;
  }
  void read_weights(std::span<float> out) const override {
    std::copy(weights_.begin(), weights_.end(), out.begin());
  }
  void write_weights(std::span<const float> in) override { weights_.assign(in.begin(), in.end()); }
  MomentsShape moments_shape() const override { return {layout_.size(), 0, layout_.size()}; }
  void read_moments(OptimizerMoments& out) const override { out = moments_; }
  void write_moments(const OptimizerMoments& in) override { moments_ = in; }

 private:
  ParameterLayout layout_;
  std::vector<float> weights_;
  OptimizerMoments moments_;
  unsigned number_;
  std::uint64_t round_;
};

/// A Parent's run of rounds up to `updates`, with two Children that have made `before` of them.
RunSummary make_rounds(const std::filesystem::path& directory, CoreOrchestrator& evaluator,
                       std::uint64_t before, std::uint64_t updates) {
  RunOptions options = options_in(directory);
  options.updates = updates;
  ParentThread parent(evaluator, options, {}, [](ParentOptions& rounds) {
    rounds.exchange = ExchangeKind::kRounds;
    rounds.rounds.first_children = 2;
    rounds.rounds.deadline = Milliseconds(600'000);
    OuterOptimizerOptions outer;
    outer.kind = OuterOptimizerKind::kNesterov;
    rounds.outer_optimizer = OuterOptimizer(outer);
    rounds.average_moments = true;
  });
  std::vector<std::future<std::string>> children;
  for (const unsigned number : {1u, 2u}) {
    children.push_back(std::async(std::launch::async, [&, number] {
      RepeatableTrainer trainer(evaluator, number, before);
      ChildOptions child = child_of(parent.port());
      child.exchange = ExchangeKind::kRounds;
      child.average_moments = true;
      child.name = "child_" + std::to_string(number);
      return Child(child, trainer).run();
    }));
  }
  for (auto& child : children) child.get();
  return parent.summary();
}

}  // namespace

TEST_CASE("a Parent's run of rounds goes on bit for bit, with the memory of its outer optimizer and moments",
          "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator evaluator = trainer_of({4});
  const RunSummary whole = make_rounds(directory / "whole", evaluator, 0, 8);
  CHECK(whole.totals.updates == 8);
  CHECK(whole.totals.in_run == Played{8 * 30, 16});
  make_rounds(directory / "parts", evaluator, 0, 3);
  const RunSummary parts = make_rounds(directory / "parts", evaluator, 3, 8);
  CHECK(parts.totals.in_run == Played{8 * 30, 16});
  const auto weights_in = [&](const char* run) {
    return read_safetensors(directory / run / "final.safetensors").weights;
  };
  CHECK(weights_in("whole") == weights_in("parts"));
  const auto state = read_safetensors(directory / "whole" / "state.safetensors");
  CHECK(state.metadata.at("outer_optimizer") == "nesterov");
  CHECK(state.metadata.at("averaged_moments_steps") == "8");
  const auto json = json_of(directory / "whole" / "summary.json");
  CHECK(json["exchange"] == "rounds");
  CHECK(json["average_moments"] == true);
  // The Children go on until they hear of the end.
  CHECK(json["rounds"]["contributions"] >= 16);
  CHECK(json["children"]["child_2"]["environment_steps"] == 160);
  CHECK_FALSE(json.contains("alpha"));
  const std::string metrics = file_text(directory / "whole" / "metrics.csv");
  CHECK(metrics.find("contributions,late_contributions,staleness_mean,staleness_max,waited_seconds") !=
        std::string::npos);
}

TEST_CASE("a Parent's and a Child's run end together, and each leaves its files", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator evaluator = trainer_of({4});
  CoreOrchestrator trainer = trainer_of({4});
  RunOptions options = options_in(directory / "parent");
  options.updates = 5;
  options.eval_episodes = 2;
  ParentThread parent(evaluator, options);
  ChildRun child(trainer, without_end(directory / "child"), child_of(parent.port()));
  const RunSummary of_child = child.run();
  const RunSummary of_parent = parent.summary();
  CHECK(of_parent.ended_by == "updates");
  CHECK(of_parent.totals.updates == 5);
  CHECK(of_parent.totals.in_run.steps > 0);
  REQUIRE(of_parent.final_evaluation);
  CHECK(of_parent.final_evaluation->episodes == 2);
  CHECK(of_child.ended_by == "parent");
  CHECK(of_child.totals.updates >= 5);
  CHECK(of_child.totals.exchanges >= 4);
  CHECK_THROWS_AS(child.run(), ArgumentError);

  const auto json = json_of(directory / "parent" / "summary.json");
  CHECK(json["children_joined"] == 1);
  CHECK(json["children"].contains("here"));
  CHECK(json["epoch"] == 0);
  CHECK(json["run_id"] != "not-this-one");
  CHECK(std::filesystem::exists(directory / "child" / "state.safetensors"));
  CHECK(json_of(directory / "child" / "summary.json")["parting_words"] != "");
}

TEST_CASE("a run goes on with a state of its own kind, and refuses another's before anything is changed",
          "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = trainer_of({4});
  RunOptions options = options_in(directory / "run");
  options.updates = 2;
  train(trainer, options);
  const std::string state = file_text(directory / "run" / "state.safetensors");
  options.resume = Resume::kRequired;
  CHECK_THROWS_WITH(
      ChildRun(trainer, options, ChildOptions{}),
      Catch::Contains("is the state of a run of one machine alone; expected that of a Child's") &&
          Catch::Contains("take another directory"));
  CHECK_THROWS_WITH(
      ParentRun(trainer, options, ParentOptions{}),
      Catch::Contains("is the state of a run of one machine alone; expected that of a Parent's"));
  CHECK(file_text(directory / "run" / "state.safetensors") == state);
  CHECK_NOTHROW(TrainerRun(trainer, options));

  RunState made_by_parent;
  made_by_parent.subject.kind = run_kind::kParent;
  write_state(directory / "parent", trainer, made_by_parent, false);
  CHECK_THROWS_WITH(TrainerRun(trainer, options_in(directory / "parent")),
                    Catch::Contains("is the state of a Parent's run"));
  // Versions before told no kind.
  write_state(directory / "old", trainer, RunState(), true);
  CHECK_NOTHROW(ChildRun(trainer, options_in(directory / "old"), ChildOptions{}));
}

TEST_CASE("a Parent shows the mean return of the last 100 episodes, whatever merges they came in",
          "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator evaluator = trainer_of({4});
  RunOptions options = options_in(directory / "parent");
  options.updates = 4;
  ParentThread parent(evaluator, options);
  // The third round ends no episode, and the last one ends more than half of those that count.
  exchange_all(parent.port(), evaluator,
               {{80, std::vector<double>(60, 10)},
                {80, std::vector<double>(20, 40)},
                {80, {}},
                {80, std::vector<double>(70, -5)}});
  const RunSummary summary = parent.summary();
  CHECK(summary.totals.in_run == Played{320, 150});
  REQUIRE(parent.updates().size() == 4);
  CHECK(parent.updates()[0].mean_return.value() == Approx(10));
  CHECK(parent.updates()[1].mean_return.value() == Approx((60 * 10 + 20 * 40) / 80.0));
  CHECK(parent.updates()[2].mean_return.value() == Approx((60 * 10 + 20 * 40) / 80.0));
  CHECK(parent.updates()[3].mean_return.value() == Approx((10 * 10 + 20 * 40 - 70 * 5) / 100.0));
}

TEST_CASE("an evaluation of a busy Parent has the number and the steps of the weights that it played",
          "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator evaluator = trainer_of({4});
  RunOptions options = options_in(directory / "parent");
  options.updates = 6;
  options.evaluate_every = 1;
  options.target_episodes = 1;
  SlowToRecord observer;
  ParentOptions of_parent;
  of_parent.listen = {Endpoint::parse("127.0.0.1:0")};
  ParentRun run(evaluator, options, of_parent, &observer);
  auto summary = std::async(std::launch::async, [&run] { return run.run(); });
  const std::uint16_t port = observer.port.get_future().get();
  // The evaluation is due after the first merge, and begins when there are five.
  exchange_all(port, evaluator, {{10, {1}}, {20, {1}}, {30, {1}}, {40, {1}}, {50, {1}}});
  observer.goes_on.set_value();
  observer.evaluated.get_future().wait();
  exchange_all(port, evaluator, {{60, {1}}});
  CHECK(summary.get().totals.in_run.steps == 210);
  const auto table = read_csv(directory / "parent" / "evaluations.csv");
  REQUIRE(table);
  std::vector<std::string> told;
  for (const CsvRow& row : table->rows)
    told.push_back(table->field(row, "update") + " " + table->field(row, "environment_steps"));
  CHECK(told == std::vector<std::string>{"5 150", "6 210"});
}

TEST_CASE("a Child that is started again without its state is counted in full", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator evaluator = trainer_of({4});
  RunOptions options = options_in(directory / "parent");
  options.updates = 4;
  ParentThread parent(evaluator, options);
  exchange_all(parent.port(), evaluator, {{30, {1}}, {30, {1, 1}}});
  // Its first round is longer than all that the first process has told.
  exchange_all(parent.port(), evaluator, {{100, {1, 1, 1, 1}}, {10, {}}});
  const RunSummary summary = parent.summary();
  CHECK(summary.totals.in_run == Played{170, 7});
  const auto json = json_of(directory / "parent" / "summary.json");
  CHECK(json["environment_steps"] == 170);
  CHECK(json["episodes"] == 7);
  REQUIRE(json["children"].size() == 1);
  CHECK(json["children"]["here"]["environment_steps"] == 170);
  CHECK(json["children"]["here"]["episodes"] == 7);
  REQUIRE(parent.updates().size() == 4);
  CHECK(parent.updates()[1].in_run == Played{60, 3});
  CHECK(parent.updates()[2].in_run == Played{160, 7});
}

TEST_CASE("a Parent that is started again is known as the same run in its next epoch", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator evaluator = trainer_of({4});
  CoreOrchestrator trainer = trainer_of({4});
  std::string run_id;
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    RunOptions options = options_in(directory / "parent");
    options.updates = 2 * (epoch + 1);
    ParentThread parent(evaluator, options);
    ChildRun child(trainer, without_end(directory / ("child_" + std::to_string(epoch))),
                   child_of(parent.port()));
    child.run();
    CHECK(parent.summary().totals.updates == 2 * (epoch + 1));
    const auto json = json_of(directory / "parent" / "summary.json");
    CHECK(json["epoch"] == epoch);
    if (epoch == 0) run_id = json["run_id"];
    CHECK(json["run_id"] == run_id);
  }
}

TEST_CASE("a Child whose network has its Parent's tensors and other activations is refused", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator evaluator = trainer_of({4});
  OrchestratorOptions one;
  one.workers = 1;
  CoreOrchestrator relu(make_cart_pole,
                        mlp_network({.hidden = {4}, .orthogonal = false, .activation = Activation::kRelu}),
                        one);
  CoreOrchestrator same = trainer_of({4});
  REQUIRE(relu.layout().hash() == evaluator.layout().hash());
  RunOptions options = options_in(directory / "parent");
  options.updates = 1;
  ParentThread parent(evaluator, options);
  ChildRun child(relu, without_end(directory / "relu"), child_of(parent.port()));
  CHECK_THROWS_WITH(child.run(), Catch::Contains("'mlp 4 tanh' at the Parent") &&
                                     Catch::Contains("'mlp 4 relu' at the Child"));
  CHECK(json_of(directory / "relu" / "summary.json")["ended_by"] == "error");
  ChildRun other(same, without_end(directory / "same"), child_of(parent.port()));
  other.run();
  CHECK(parent.summary().totals.updates == 1);
  CHECK(json_of(directory / "parent" / "summary.json")["children_joined"] == 1);
}

TEST_CASE("a Child that waits for its Parent ends when the program wants it to", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = trainer_of({4});
  std::atomic<bool> quit{false};
  RunOptions options = without_end(directory / "child");
  options.end_reason = [&quit] { return std::string(quit ? "user" : ""); };
  ChildOptions child;
  child.listen = Endpoint::parse("127.0.0.1:0");
  PortPromise promise;
  ChildRun run(trainer, options, child, &promise);
  auto summary = std::async(std::launch::async, [&run] { return run.run(); });
  CHECK(promise.port.get_future().get() > 0);
  quit = true;
  const RunSummary ended = summary.get();
  CHECK(ended.ended_by == "user");
  CHECK(ended.stopped);
  CHECK(ended.totals.updates == 0);
}

TEST_CASE("a Child's bad options fail its run and are told in its summary", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = trainer_of({4});
  ChildRun run(trainer, without_end(directory / "child"), ChildOptions{});
  CHECK_THROWS_AS(run.run(), ArgumentError);
  CHECK(json_of(directory / "child" / "summary.json")["ended_by"] == "error");
}

TEST_CASE("a Parent whose observer throws whatever tells its Children and fails", "[forks]") {
  class Thrower : public PortPromise {
    void on_update(const UpdateEvent&) override { throw 5; }
  };
  const TemporaryDirectory directory;
  CoreOrchestrator evaluator = trainer_of({4});
  CoreOrchestrator trainer = trainer_of({4});
  ParentOptions options;
  options.listen = {Endpoint::parse("127.0.0.1:0")};
  Thrower thrower;
  ParentRun parent(evaluator, options_in(directory / "parent"), options, &thrower);
  auto failed = std::async(std::launch::async, [&parent] { parent.run(); });
  ChildRun child(trainer, without_end(directory / "child"), child_of(thrower.port.get_future().get()));
  CHECK(child.run().ended_by == "parent");
  CHECK_THROWS_AS(failed.get(), int);
  CHECK(json_of(directory / "parent" / "summary.json")["ended_by"] == "error");
  CHECK_THROWS_AS(parent.run(), ArgumentError);
}
