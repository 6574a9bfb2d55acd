// What crosses the border of the library: exceptions, an environment of the user's, interfaces that are cast
// to what they are, and a whole run that is trained, resumed and evaluated without the command line.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/version.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/env/environment.h"
#include "genkidama/net/endpoint.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/run/evaluation.h"
#include "genkidama/run/preset.h"
#include "genkidama/run/trainer_run.h"

namespace {

/// Gives an observation of the wrong size, which the library reports from a worker.
class Broken : public genkidama::DiscreteEnvironment {
 public:
  Broken() {
    spec_.name = "Broken";
    spec_.observation_size = 2;
    spec_.action_count = 2;
    spec_.time_limit = 10;
  }
  const genkidama::EnvironmentSpec& spec() const override { return spec_; }
  genkidama::Observation reset(std::uint64_t) override { return {}; }
  genkidama::StepResult step(int) override { return {}; }

 private:
  genkidama::EnvironmentSpec spec_;
};

int failures = 0;

void check(bool holds, const char* what) {
  if (holds) return;
  fmt::print("failed: {}\n", what);
  ++failures;
}

template <typename Expected, typename Function>
void check_throws(Function function, const char* what) {
  try {
    function();
  } catch (const Expected&) {
    return;
  } catch (const std::exception& error) {
    fmt::print("another exception: {}\n", error.what());
  }
  check(false, what);
}

/// A run from code that is left in the middle, resumed, and evaluated.
void train_a_run() {
  std::filesystem::remove_all("run");
  genkidama::OrchestratorOptions machine;
  machine.workers = 1;
  const genkidama::run::Preset preset = genkidama::run::thesis_preset();
  genkidama::run::apply(preset, machine);
  genkidama::run::RunOptions options;
  options.directory = "run";
  options.resume = genkidama::run::Resume::kIfPossible;
  options.updates = 20;
  options.checkpoint_every = 5;
  options.eval_episodes = 10;
  {
    genkidama::CoreOrchestrator trainer(genkidama::make_cart_pole, preset.network, machine);
    genkidama::run::TrainerRun run(trainer, options);
    while (run.totals().updates < 7) run.advance();
  }
  genkidama::CoreOrchestrator trainer(genkidama::make_cart_pole, preset.network, machine);
  genkidama::run::TrainerRun run(trainer, options);
  check(run.totals().updates >= 5, "a run is resumed");
  while (run.advance()) {
  }
  const genkidama::run::RunSummary summary = run.finish();
  check(summary.totals.updates == 20, "a resumed run ends where it should");
  check(summary.final_evaluation && summary.final_evaluation->episodes == 10, "a run is evaluated");
  const auto again = genkidama::run::evaluate(trainer, {.episodes = 10, .seed = options.eval_seed});
  check(again.mean == summary.final_evaluation->mean, "the same evaluation gives the same mean");
  fmt::print("{}\n", genkidama::run::mean_text(again));
}

}  // namespace

int main() {
  check_throws<genkidama::ArgumentError>([] { genkidama::Endpoint::parse("no port"); },
                                         "ArgumentError is caught");
  check_throws<genkidama::Error>([] { genkidama::read_safetensors("no such file"); },
                                 "a base class is caught");

  genkidama::OrchestratorOptions options;
  options.workers = 2;
  check_throws<genkidama::Error>(
      [&] {
        genkidama::CoreOrchestrator([] { return std::make_unique<Broken>(); }, genkidama::thesis_network(),
                                    options)
            .train_round();
      },
      "an environment that breaks its contract is named");

  genkidama::CoreOrchestrator trainer(genkidama::make_cart_pole, genkidama::thesis_network(), options);
  genkidama::LocalTrainer& as_interface = trainer;
  check(dynamic_cast<genkidama::CoreOrchestrator*>(&as_interface) == &trainer,
        "dynamic_cast to the library's class");
  std::vector<float> before(trainer.layout().size());
  std::vector<float> after(before.size());
  trainer.read_weights(before);
  for (int round = 0; round < 3; ++round) as_interface.train_round();
  trainer.read_weights(after);
  check(before != after, "training changes the weights");
  check(trainer.environment_steps() > 0, "steps were played");

  genkidama::write_safetensors("agent.safetensors", {trainer.layout(), after, {}});
  check(genkidama::read_safetensors("agent.safetensors", trainer.layout()).weights == after,
        "weights are read back");

  train_a_run();

  if (failures == 0)
    fmt::print("Genkidama {} works: {} steps\n", genkidama::kVersion, trainer.environment_steps());
  return failures;
}
