// What an algorithm of the user's own shares between its workers is part of a run's state.
#include <memory>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/ipc/shared_array.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/rl/algorithm.h"
#include "genkidama/run/trainer_run.h"
#include "run/directory/run_directory.h"
#include "support/catch.h"
#include "support/chain_environment.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

/// Learns the reward as each state's value, with momentum: the shared state holds the velocity.
class Momentum : public Algorithm {
 public:
  class MomentumLearner : public Learner {
   public:
    explicit MomentumLearner(const LearnerContext& context) : context_(context) {}
    std::size_t segment_steps() const override { return 5; }
    void learn_segment(const Segment& segment) override {
      LocalNetwork& network = context_.network;
      const std::size_t n = segment.size();
      std::vector<float> logits(n * static_cast<std::size_t>(network.spec().policy)), values(n);
      network.evaluate(segment.observations, logits, values);
      const std::vector<float> logits_gradient(logits.size(), 0.01F);
      for (std::size_t i = 0; i < n; ++i) values[i] -= segment.rewards[i];
      network.backpropagate(logits_gradient, values);
      for (std::size_t i = 0; i < network.gradient().size(); ++i) {
        float& velocity = context_.shared_state[i];
        relaxed_write(velocity, 0.9F * relaxed_read(velocity) + network.gradient()[i]);
        network.gradient()[i] = relaxed_read(velocity);
      }
      context_.sink.apply(network.gradient(), {});
      context_.sink.pull(network.weights());
    }
    void learn_round(Random&) override {}

   private:
    LearnerContext context_;
  };

  explicit Momentum(std::size_t more) : more_(more) {}
  NetworkSpec network(const EnvironmentSpec& environment) const override {
    return actor_critic_network(environment);
  }
  std::size_t shared_state_size(std::size_t parameters) const override { return parameters + more_; }
  std::unique_ptr<Behaviour> make_behaviour(const EnvironmentSpec&) const override { return categorical(); }
  std::unique_ptr<Learner> make_learner(const LearnerContext& context) const override {
    return std::make_unique<MomentumLearner>(context);
  }

 private:
  std::size_t more_;
};

/// Plays until so many updates are made, all processes of the run together. `more`: floats of shared state
/// beyond the velocity.
void train_until(std::uint64_t updates, const std::filesystem::path& directory, std::size_t more = 0) {
  OrchestratorOptions options;
  options.workers = 1;
  options.seed = 5;
  options.hyperparameters.optimizer = "adam";
  options.algorithm = [more](const Hyperparameters&) { return std::make_unique<Momentum>(more); };
  CoreOrchestrator trainer([] { return std::make_unique<ChainEnvironment>(); }, mlp_network({{8}, false}),
                           options);
  RunOptions run;
  run.directory = directory;
  run.resume = Resume::kIfPossible;
  run.updates = updates;
  run.eval_episodes = 0;
  train(trainer, run);
}

std::vector<float> algorithm_state(const Checkpoint& state) {
  const auto values = StateReader(state, "the state").floats("algorithm_state").values;
  return {values.begin(), values.end()};
}

}  // namespace

TEST_CASE("a run of an own algorithm that is resumed equals the uninterrupted one, its shared state too",
          "[forks]") {
  const TemporaryDirectory directory;
  train_until(12, directory / "whole");
  train_until(6, directory / "parts");
  const Checkpoint middle = read_safetensors(RunDirectory(directory / "parts").state());
  train_until(12, directory / "parts");

  const Checkpoint a = read_safetensors(RunDirectory(directory / "whole").state());
  const Checkpoint b = read_safetensors(RunDirectory(directory / "parts").state());
  CHECK_FALSE(a.layout.difference(b.layout));
  CHECK(a.weights == b.weights);
  CHECK(read_safetensors(RunDirectory(directory / "whole").final_weights()).weights ==
        read_safetensors(RunDirectory(directory / "parts").final_weights()).weights);
  CHECK(algorithm_state(a) == algorithm_state(b));
  // It does matter: there was something to go on from, and it went on.
  CHECK(algorithm_state(middle) != std::vector<float>(algorithm_state(middle).size(), 0));
  CHECK(algorithm_state(middle) != algorithm_state(b));
}

TEST_CASE("a run is not resumed with an algorithm of another shared state", "[forks]") {
  const TemporaryDirectory directory;
  train_until(2, directory / "run");
  const Checkpoint before = read_safetensors(RunDirectory(directory / "run").state());
  const std::string size = std::to_string(algorithm_state(before).size());
  REQUIRE_THROWS_AS(train_until(4, directory / "run", 1), ArgumentError);
  REQUIRE_THROWS_WITH(train_until(4, directory / "run", 1),
                      Catch::Contains("'algorithm_state' has " + size + " values") &&
                          Catch::Contains((directory / "run").string()));
  // The state is as it was, and the right algorithm goes on.
  CHECK(read_safetensors(RunDirectory(directory / "run").state()).weights == before.weights);
  train_until(4, directory / "run");
  CHECK(read_safetensors(RunDirectory(directory / "run").state()).metadata.at("updates") == "4");
}
