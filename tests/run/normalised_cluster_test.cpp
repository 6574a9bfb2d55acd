// A Parent and two Children that normalise, each started again in the middle of its run.
#include <future>
#include <utility>
#include <vector>

#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/run/child_run.h"
#include "genkidama/run/evaluation.h"
#include "genkidama/run/trainer_run.h"
#include "rl/policy_record.h"
#include "run/parent_thread.h"
#include "run/resumed_run.h"
#include "support/catch.h"
#include "support/same_statistics.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

RunningStatistics statistics_of(const std::filesystem::path& file) {
  return policy_record(file, read_safetensors(file).metadata).normalisation.value().statistics;
}

RunningStatistics statistics_of(const CoreOrchestrator& trainer) {
  return policy_record("trainer", trainer.policy_metadata()).normalisation.value().statistics;
}

RunningStatistics own_of(const CoreOrchestrator& trainer) {
  return trainer.own_statistics().statistics;
}

RunningStatistics merged(const CoreOrchestrator& a, const CoreOrchestrator& b) {
  RunningStatistics both = own_of(a);
  both.merge(own_of(b));
  return both;
}

/// Plays and exchanges until the Child has made so many updates in all its processes.
RunSummary learn(CoreOrchestrator& trainer, const std::filesystem::path& directory, std::uint16_t port,
                 std::uint64_t updates) {
  RunOptions options = options_in(directory);
  options.updates = updates;
  ChildOptions links = child_of(port);
  links.name = directory.filename().string();
  ChildRun child(trainer, options, links);
  return child.run();
}

RunOptions parent_in(const std::filesystem::path& directory, std::uint64_t updates) {
  RunOptions options = options_in(directory);
  options.updates = updates;
  options.eval_episodes = 10;
  return options;
}

}  // namespace

TEST_CASE("a normalised cluster counts everything once, over restarts of its Children and its Parent",
          "[forks]") {
  const TemporaryDirectory directory;
  const auto make = [] { return trainer_of({4}, normalising()); };
  // Made before any thread is started.
  CoreOrchestrator evaluator = make(), later_evaluator = make();
  CoreOrchestrator a = make(), later_a = make(), b = make(), later_b = make();
  CoreOrchestrator player = trainer_of({4});
  const auto final = directory / "parent" / "final.safetensors";
  {
    ParentThread parent(evaluator, parent_in(directory / "parent", 7));
    learn(a, directory / "a", parent.port(), 3);
    learn(b, directory / "b", parent.port(), 2);
    check_same(statistics_of(b), merged(a, b));
    // A process that is started again goes on with its stream.
    const RunSummary child = learn(later_a, directory / "a", parent.port(), 5);
    CHECK(later_a.own_statistics().stream == a.own_statistics().stream);
    CHECK(own_of(later_a).count() == static_cast<double>(child.totals.in_run.steps));
    CHECK(own_of(later_a).count() > own_of(a).count());

    const RunSummary summary = parent.summary();
    CHECK(summary.ended_by == "updates");
    check_same(statistics_of(final), merged(later_a, b));
    // The file plays as the Parent evaluated it.
    const Checkpoint policy = read_safetensors(final);
    player.write_weights(policy.weights);
    player.normalise_as(policy.metadata);
    const auto played = evaluate(player, {.episodes = 10, .seed = 7, .greedy = false});
    REQUIRE(summary.final_evaluation);
    CHECK(played.mean == summary.final_evaluation->mean);
    player.normalise_as({});
    CHECK(evaluate(player, {.episodes = 10, .seed = 7, .greedy = false}).mean != played.mean);
  }
  {
    ParentThread parent(later_evaluator, parent_in(directory / "parent", 9));
    learn(later_b, directory / "b", parent.port(), 4);
    // What the other Child had counted was kept, and handed on.
    check_same(statistics_of(later_b), merged(later_a, later_b));
    CHECK(own_of(later_b).count() > own_of(b).count());
    CHECK(parent.summary().ended_by == "updates");
    check_same(statistics_of(final), merged(later_a, later_b));
  }
}

TEST_CASE("a Child of a Parent that begins with a policy's file is given its statistics", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator first = trainer_of({4}, normalising());
  CoreOrchestrator evaluator = trainer_of({4}, normalising());
  CoreOrchestrator child = trainer_of({4}, normalising());
  RunOptions options = options_in(directory / "first");
  options.updates = 3;
  train(first, options);
  options = parent_in(directory / "parent", 2);
  options.init_from = directory / "first" / "final.safetensors";
  ParentThread parent(evaluator, options);
  learn(child, directory / "child", parent.port(), 2);
  CHECK(parent.summary().ended_by == "updates");
  check_same(statistics_of(child), merged(first, child));
  check_same(statistics_of(directory / "parent" / "final.safetensors"), merged(first, child));
}

TEST_CASE("the last policy of a Parent has the statistics of its last update", "[forks]") {
  /// Tells when a Child is beyond the last update of its Parent's run.
  class Watcher : public RunObserver {
   public:
    void on_update(const UpdateEvent& event) override {
      if (event.totals.exchanges >= 7 && !std::exchange(told_, true)) ahead.set_value();
    }
    std::promise<void> ahead;

   private:
    bool told_ = false;
  };
  const TemporaryDirectory directory;
  CoreOrchestrator evaluator = trainer_of({4}, normalising());
  CoreOrchestrator trainer = trainer_of({4}, normalising());
  Watcher watcher;
  // The Parent merges on while its run is busy with its last update.
  ParentThread parent(evaluator, parent_in(directory / "parent", 5),
                      [ahead = watcher.ahead.get_future().share()](const UpdateEvent& event) {
                        if (event.totals.updates == 5) ahead.wait();
                      });
  ChildRun child(trainer, without_end(directory / "child"), child_of(parent.port()), &watcher);
  child.run();
  const RunSummary summary = parent.summary();
  CHECK(summary.totals.updates == 5);
  CHECK(statistics_of(directory / "parent" / "final.safetensors").count() ==
        static_cast<double>(summary.totals.in_run.steps));
  CHECK(own_of(trainer).count() > static_cast<double>(summary.totals.in_run.steps));
}
