// Metrics of an environment's episodes in training and in evaluation.
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "support/catch.h"
#include "support/metric_environment.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

OrchestratorOptions options_of(WorkerMode mode) {
  OrchestratorOptions options;
  options.workers = 2;
  options.mode = mode;
  options.hyperparameters.round_steps = 50;
  return options;
}

/// The environment's metrics are what the trainer knows itself.
void require_right(const std::vector<EpisodeResult>& episodes) {
  for (const EpisodeResult& episode : episodes) {
    REQUIRE(episode.metrics.size() == 2);
    REQUIRE(episode.metrics[0] == static_cast<float>(episode.length));
    REQUIRE(episode.metrics[1] == static_cast<float>(episode.length % 2));
  }
}

}  // namespace

TEST_CASE("each episode has its metrics, and a round their means", "[forks][metrics]") {
  for (const WorkerMode mode : {WorkerMode::kProcesses, WorkerMode::kThreads}) {
    CoreOrchestrator trainer(make_metric_environment, thesis_network(), options_of(mode));
    REQUIRE(trainer.environment_spec().metrics == std::vector<std::string>{"length", "odd"});
    const RoundReport round = trainer.train_round();
    REQUIRE(round.episodes.size() > 10);
    require_right(round.episodes);
    double length = 0, odd = 0;
    for (const EpisodeResult& episode : round.episodes) {
      length += episode.length;
      odd += episode.length % 2;
    }
    const auto count = static_cast<double>(round.episodes.size());
    REQUIRE(round.metrics.size() == 2);
    REQUIRE(round.metrics[0].name == "length");
    REQUIRE(round.metrics[0].mean == Approx(length / count));
    REQUIRE(round.metrics[1].name == "odd");
    REQUIRE(round.metrics[1].mean == Approx(odd / count));

    const auto evaluated = trainer.evaluate({.episodes = 30});
    REQUIRE(evaluated.size() == 30);
    require_right(evaluated);
  }
}

TEST_CASE("a spec that is given must name the environment's metrics", "[forks][metrics]") {
  OrchestratorOptions options = options_of(WorkerMode::kProcesses);
  options.environment_spec = make_metric_environment()->spec();
  options.environment_spec->metrics = {"length"};
  CHECK_THROWS_WITH(
      CoreOrchestrator(make_metric_environment, thesis_network(), options),
      Catch::Contains("has the metrics [length, odd]; the environment_spec that was given says [length]"));
  options.environment_spec = make_metric_environment()->spec();
  CoreOrchestrator trainer(make_metric_environment, thesis_network(), options);
  require_right(trainer.train_round().episodes);
}
