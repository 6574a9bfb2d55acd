// Noisy layers on workers: what is learnt, resumed, shared, evaluated and played by them.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/saveable.h"
#include "orchestrator/trained.h"
#include "support/catch.h"
#include "support/target_environment.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

const ActionSpace kChoice{.choices = {4}, .low = {}, .high = {}};

OrchestratorOptions options_for(int workers, WorkerMode mode = WorkerMode::kThreads) {
  OrchestratorOptions options;
  options.mode = mode;
  options.workers = workers;
  options.worker_timeout = Milliseconds{120'000};
  options.replay_capacity = 2'000;
  options.hyperparameters = dqn_hyperparameters();
  Hyperparameters& hyper = options.hyperparameters;
  hyper.schedule = Schedule::kConstant;
  hyper.learning_rate = 3e-3;
  hyper.final_learning_rate = 0;
  hyper.gamma = 0.5;
  hyper.reward_scale = 1;
  hyper.round_steps = 250;
  hyper.learning_starts = 200;
  hyper.minibatch_size = 32;
  hyper.target_rate = 0.02;
  hyper.noisy_layers = true;
  hyper.epsilon = 0;
  hyper.epsilon_steps = 0;
  return options;
}

std::unique_ptr<CoreOrchestrator> make(const OrchestratorOptions& options, int memory = 0) {
  return std::make_unique<CoreOrchestrator>(
      target_factory(kChoice),
      mlp_network({.hidden = {16}, .activation = Activation::kRelu, .memory = memory}), options);
}

struct Kind {
  std::string name;
  void (*change)(Hyperparameters&);
  int memory = 0;
};

const std::vector<Kind> kKinds = {
    {"dqn", [](Hyperparameters&) {}},
    {"dueling", [](Hyperparameters& h) { h.dueling = true; }},
    {"without double_q, by priority",
     [](Hyperparameters& h) {
       h.double_q = false;
       h.priority_exponent = 0.6;
     }},
    {"qr_dqn", [](Hyperparameters& h) { h.algorithm = "qr_dqn"; }},
    {"memory", [](Hyperparameters& h) { h.sequence_length = 4; }, 8},
};

bool all_finite(const std::vector<float>& weights) {
  return std::all_of(weights.begin(), weights.end(), [](float weight) { return std::isfinite(weight); });
}

/// The elements of all tensors whose names end so.
std::vector<float> elements_of(const CoreOrchestrator& trainer, const std::string& ending) {
  const auto weights = weights_of(trainer);
  std::vector<float> elements;
  for (const TensorInfo& tensor : trainer.layout().tensors()) {
    if (!tensor.name.ends_with(ending)) continue;
    const auto begin = weights.begin() + static_cast<std::ptrdiff_t>(tensor.offset);
    elements.insert(elements.end(), begin, begin + static_cast<std::ptrdiff_t>(tensor.count));
  }
  return elements;
}

}  // namespace

TEST_CASE("noise alone explores well enough to learn a task, and deviations are learnt") {
  for (const Kind& kind : kKinds) {
    OrchestratorOptions options = options_for(1);
    kind.change(options.hyperparameters);
    const auto trainer = make(options, kind.memory);
    INFO(kind.name);
    const auto before = elements_of(*trainer, "_sigma");
    REQUIRE(!before.empty());
    CHECK(mean_greedy_return(*trainer) < 8.5);
    for (int round = 0; round < 30; ++round) trainer->train_round();
    CHECK(mean_greedy_return(*trainer) > 9);
    CHECK(elements_of(*trainer, "_sigma") != before);
  }
}

TEST_CASE("two noisy runs of one worker are equal, and a resumed one goes on exactly") {
  for (const Kind& kind : kKinds) {
    for (const int environments : {1, 3}) {
      OrchestratorOptions options = options_for(1);
      kind.change(options.hyperparameters);
      options.hyperparameters.environments_per_worker = environments;
      options.hyperparameters.round_steps = 251;
      const auto whole = make(options, kind.memory), again = make(options, kind.memory);
      for (int round = 0; round < 3; ++round) {
        whole->train_round();
        again->train_round();
        // An evaluation in between changes nothing.
        again->evaluate({.episodes = 3, .greedy = true});
      }
      INFO(kind.name << ", " << environments << " environments");
      CHECK(weights_of(*again) == weights_of(*whole));
      StateWriter writer;
      whole->save(writer);
      const Checkpoint checkpoint = writer.take();
      const auto weights = weights_of(*whole);
      const auto resumed = make(options, kind.memory);
      resumed->write_weights(weights);
      resumed->restore(StateReader(checkpoint, "test"));
      for (int round = 0; round < 3; ++round) {
        whole->train_round();
        resumed->train_round();
      }
      CHECK(weights_of(*resumed) == weights_of(*whole));
      options.seed += 1;
      const auto other = make(options, kind.memory);
      other->write_weights(weights);
      other->restore(StateReader(checkpoint, "test"));
      for (int round = 0; round < 3; ++round) other->train_round();
      CHECK(weights_of(*other) != weights_of(*whole));
    }
  }
}

TEST_CASE("noisy layers are learnt on two workers, whatever they share, and by a central learner",
          "[forks]") {
  for (const WorkerMode mode : {WorkerMode::kProcesses, WorkerMode::kThreads}) {
    for (const Sharing sharing : {Sharing::kHogwild, Sharing::kMutex, Sharing::kServer, Sharing::kLocal}) {
      OrchestratorOptions options = options_for(2, mode);
      options.hyperparameters.sharing = sharing;
      const auto trainer = make(options);
      for (int round = 0; round < 20; ++round) trainer->train_round();
      INFO(sharing_name(sharing));
      CHECK(all_finite(weights_of(*trainer)));
      CHECK(mean_greedy_return(*trainer) > 8.5);
    }
    OrchestratorOptions options = options_for(2, mode);
    options.learning = Learning::kCentral;
    const auto trainer = make(options);
    for (int round = 0; round < 40; ++round) trainer->train_round();
    CHECK(mean_greedy_return(*trainer) > 8.5);
  }
}

TEST_CASE("evaluations take the means, and play takes the noise") {
  OrchestratorOptions options = options_for(1);
  options.hyperparameters.noisy_deviation = 50;
  options.hyperparameters.learning_starts = 1'000'000;
  const auto trainer = make(options);
  for (int round = 0; round < 12; ++round) trainer->train_round();
  const auto weights = weights_of(*trainer);
  for (const bool greedy : {true, false}) {
    const auto returns = [&](CoreOrchestrator& of) {
      std::vector<double> all;
      for (const EpisodeResult& episode : of.evaluate({.episodes = 20, .greedy = greedy}))
        all.push_back(episode.episode_return);
      return all;
    };
    options.hyperparameters.noisy_deviation = 0;
    const auto silent = make(options);
    CHECK(returns(*trainer) == returns(*silent));
  }
  // With so much noise all actions are played, and without any the same one for the same observation.
  const auto pairs_of = [](const CoreOrchestrator& of) {
    const TransitionBatch rows = of.replay_buffer()->in_time_order(0, 2'000);
    std::vector<std::pair<std::ptrdiff_t, float>> pairs;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto begin = rows.observations.begin() + static_cast<std::ptrdiff_t>(4 * i);
      pairs.emplace_back(std::max_element(begin, begin + 4) - begin, rows.actions[i]);
    }
    std::sort(pairs.begin(), pairs.end());
    pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
    return pairs.size();
  };
  CHECK(pairs_of(*trainer) == 16);
  const auto silent = make(options);
  for (int round = 0; round < 12; ++round) silent->train_round();
  CHECK(pairs_of(*silent) == 4);
}

TEST_CASE("dyna_q plays and learns with noisy layers, and resumes exactly") {
  OrchestratorOptions options = options_for(1);
  Hyperparameters& hyper = options.hyperparameters;
  hyper.algorithm = "dyna_q";
  hyper.model_units = 16;
  hyper.planning_starts = 300;
  // The next target cannot be foretold, so the model is never good.
  hyper.model_error_limit = 1e6;
  const auto whole = make(options), resumed = make(options);
  for (int round = 0; round < 3; ++round) whole->train_round();
  StateWriter writer;
  whole->save(writer);
  const Checkpoint checkpoint = writer.take();
  resumed->write_weights(weights_of(*whole));
  resumed->restore(StateReader(checkpoint, "test"));
  for (int round = 0; round < 3; ++round) {
    CHECK(whole->train_round().imagined > 0);
    resumed->train_round();
  }
  CHECK(weights_of(*resumed) == weights_of(*whole));
  CHECK(all_finite(weights_of(*whole)));
}

TEST_CASE("a deviation below 0 is refused, and algorithms without values have no noisy layers") {
  OrchestratorOptions options = options_for(1);
  options.hyperparameters.noisy_deviation = -1;
  CHECK_THROWS_AS(make(options), ArgumentError);
  CHECK_THROWS_WITH(make(options), Catch::Contains("noisy_deviation is -1; expected a number of at least 0"));
  options.hyperparameters.noisy_deviation = 0.5;
  options.hyperparameters.algorithm = "ppo";
  CHECK(elements_of(*make(options), "_sigma").empty());
}
