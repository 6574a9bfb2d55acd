// Learning from the replay buffer, on workers.
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <thread>
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
  hyper.epsilon = 0.1;
  hyper.epsilon_steps = 1'000;
  hyper.target_rate = 0.02;
  return options;
}

std::unique_ptr<CoreOrchestrator> make(const OrchestratorOptions& options, bool masks = false) {
  return std::make_unique<CoreOrchestrator>(target_factory(kChoice, masks),
                                            mlp_network({.hidden = {16}, .activation = Activation::kRelu}),
                                            options);
}

/// What a trainer would be resumed with.
class Saved {
 public:
  explicit Saved(const CoreOrchestrator& trainer) : weights_(weights_of(trainer)) {
    StateWriter writer;
    trainer.save(writer);
    checkpoint_ = writer.take();
  }
  void restore(CoreOrchestrator& trainer) const {
    trainer.write_weights(weights_);
    trainer.restore(StateReader(checkpoint_, "test"));
  }

 private:
  std::vector<float> weights_;
  Checkpoint checkpoint_;
};

}  // namespace

TEST_CASE("dqn learns a task of one choice, with masks and without") {
  for (const bool masks : {false, true}) {
    const auto trainer = make(options_for(1), masks);
    CHECK(mean_greedy_return(*trainer) < 8.5);
    for (int round = 0; round < 24; ++round) {
      const RoundReport report = trainer->train_round();
      CHECK(report.steps_in_round == 250);
      // Half an optimizer step for each step, once there are 200.
      CHECK(report.optimizer_steps == (round == 0 ? 26 : 125));
    }
    CHECK(mean_greedy_return(*trainer) > 9);
  }
}

TEST_CASE("dueling, by priority, with a target that is replaced, by quantiles, dqn learns too") {
  for (int kind = 0; kind < 4; ++kind) {
    OrchestratorOptions options = options_for(1);
    if (kind == 0) options.hyperparameters.dueling = true;
    if (kind == 1) options.hyperparameters.priority_exponent = 0.6;
    if (kind == 2) options.hyperparameters.target_period = 50;
    if (kind == 3) options.hyperparameters.algorithm = "qr_dqn";
    const auto trainer = make(options);
    for (int round = 0; round < 24; ++round) trainer->train_round();
    INFO("kind " << kind);
    CHECK(mean_greedy_return(*trainer) > 9);
  }
}

TEST_CASE("dqn learns on two and four workers, whatever they share and whose steps they draw", "[forks]") {
  for (const WorkerMode mode : {WorkerMode::kProcesses, WorkerMode::kThreads}) {
    for (const Sharing sharing : {Sharing::kHogwild, Sharing::kMutex, Sharing::kServer, Sharing::kLocal}) {
      for (const int workers : {2, 4}) {
        OrchestratorOptions options = options_for(workers, mode);
        options.hyperparameters.sharing = sharing;
        options.hyperparameters.replay = workers == 2 ? ReplayScope::kGlobal : ReplayScope::kLocal;
        options.hyperparameters.priority_exponent = mode == WorkerMode::kProcesses ? 0.6 : 0;
        const auto trainer = make(options);
        std::uint64_t optimizer_steps = 0;
        for (int round = 0; round < 16; ++round) {
          const RoundReport report = trainer->train_round();
          CHECK(report.steps_in_round == 250 * static_cast<std::uint64_t>(workers));
          optimizer_steps += report.optimizer_steps;
        }
        INFO(sharing_name(sharing) << ", " << workers << " workers");
        // The replay ratio is that of one worker; how soon each may begin depends on the others.
        const auto most = static_cast<std::uint64_t>(16 * 125 * workers);
        CHECK(optimizer_steps <= most);
        CHECK(optimizer_steps > most - 125 * static_cast<std::uint64_t>(workers));
        CHECK(mean_greedy_return(*trainer) > 8.5);
      }
    }
  }
}

TEST_CASE("one worker learns the same, bit for bit, whatever the way of sharing and the scope") {
  std::vector<float> expected;
  for (const Sharing sharing : {Sharing::kHogwild, Sharing::kMutex, Sharing::kServer, Sharing::kLocal}) {
    for (const ReplayScope scope : {ReplayScope::kGlobal, ReplayScope::kLocal}) {
      OrchestratorOptions options = options_for(1);
      options.hyperparameters.sharing = sharing;
      options.hyperparameters.replay = scope;
      const auto trainer = make(options);
      for (int round = 0; round < 4; ++round) trainer->train_round();
      if (expected.empty()) expected = weights_of(*trainer);
      INFO(sharing_name(sharing));
      CHECK(weights_of(*trainer) == expected);
    }
  }
}

TEST_CASE("a resumed run of one worker goes on exactly, buffer, priorities, target and schedules") {
  for (const double priority_exponent : {0.0, 0.6}) {
    for (const int environments : {1, 3}) {
      OrchestratorOptions options = options_for(1);
      Hyperparameters& hyper = options.hyperparameters;
      // The ring is overwritten before the run stops, and again after it.
      options.replay_capacity = 600;
      hyper.priority_exponent = priority_exponent;
      hyper.environments_per_worker = environments;
      hyper.schedule = Schedule::kLinear;
      hyper.schedule_steps = 5'000;
      hyper.round_steps = 251;
      hyper.replay_ratio = 0.3;
      hyper.target_period = environments == 3 ? 40 : 0;
      const auto whole = make(options);
      for (int round = 0; round < 5; ++round) whole->train_round();
      const Saved state(*whole);
      const auto resumed = make(options);
      state.restore(*resumed);
      for (int round = 0; round < 5; ++round) {
        whole->train_round();
        resumed->train_round();
      }
      CHECK(weights_of(*resumed) == weights_of(*whole));
      // The same trainer goes back too.
      const auto expected = weights_of(*whole);
      state.restore(*whole);
      for (int round = 0; round < 5; ++round) whole->train_round();
      CHECK(weights_of(*whole) == expected);
    }
  }
}

TEST_CASE("a run is resumed with another capacity: the newest rows are kept") {
  OrchestratorOptions options = options_for(2);
  options.hyperparameters.priority_exponent = 0.6;
  const auto before = make(options);
  for (int round = 0; round < 4; ++round) before->train_round();
  const Saved state(*before);
  for (const std::size_t capacity : {100u, 5'000u}) {
    options.replay_capacity = capacity;
    const auto after = make(options);
    state.restore(*after);
    const ReplayBuffer& buffer = *after->replay_buffer();
    for (int core = 0; core < 2; ++core) {
      CHECK(buffer.stored(core) == 1'000);
      const auto kept = buffer.in_time_order(core, 5'000);
      CHECK(kept.size() == std::min<std::size_t>(capacity, 1'000));
      const auto same = before->replay_buffer()->in_time_order(core, kept.size());
      CHECK(kept.observations == same.observations);
      for (std::uint64_t number = 1'000 - kept.size(); number < 1'000; ++number)
        CHECK(buffer.priority({core, number}) == before->replay_buffer()->priority({core, number}));
    }
    for (int round = 0; round < 4; ++round) after->train_round();
  }
}

TEST_CASE("workers killed while they learn from replay are replaced, and learning goes on", "[forks]") {
  for (const Sharing sharing : {Sharing::kHogwild, Sharing::kMutex, Sharing::kServer, Sharing::kLocal}) {
    OrchestratorOptions options = options_for(2, WorkerMode::kProcesses);
    options.hyperparameters.sharing = sharing;
    options.hyperparameters.priority_exponent = 0.6;
    options.hyperparameters.round_steps = 1'000;
    options.max_crashes_per_minute = 100'000;
    CoreOrchestrator* running = nullptr;
    int looks = 0;
    options.on_wait = [&](const RoundProgress& progress) {
      // In the middle of a round, once it learns.
      if (running == nullptr || progress.optimizer_steps == 0 || ++looks % 2 != 0) return;
      const auto pids = running->worker_pids();
      if (running->worker_restarts() < 4) ::kill(pids[static_cast<std::size_t>(looks / 2) % 2], SIGKILL);
    };
    const auto trainer = make(options);
    running = trainer.get();
    for (int round = 0; round < 200 && trainer->worker_restarts() < 4; ++round) trainer->train_round();
    INFO(sharing_name(sharing));
    CHECK(trainer->worker_restarts() >= 1);
    running = nullptr;
    for (int round = 0; round < 4; ++round) trainer->train_round();
    const auto weights = weights_of(*trainer);
    CHECK(std::all_of(weights.begin(), weights.end(), [](float weight) { return std::isfinite(weight); }));
    CHECK(mean_greedy_return(*trainer) > 8.5);
  }
}

TEST_CASE("what an algorithm that learns from replay cannot work with is refused at once") {
  const auto refused = [](const std::function<void(OrchestratorOptions&)>& change, const std::string& text) {
    OrchestratorOptions options = options_for(1);
    change(options);
    CHECK_THROWS_AS(make(options), ArgumentError);
    CHECK_THROWS_WITH(make(options), Catch::Contains(text));
  };
  refused([](auto& o) { o.replay_capacity = 0; },
          "replay_capacity is 0; expected at least minibatch_size, 32");
  refused([](auto& o) { o.replay_capacity = 31; }, "replay_capacity is 31");
  refused([](auto& o) { o.hyperparameters.normalise_observations = true; }, "normalise_observations");
  refused([](auto& o) { o.hyperparameters.normalise_rewards = true; }, "normalise_rewards");
  refused(
      [](auto& o) {
        o.replay_capacity = 0;
        o.learning = Learning::kCentral;
      },
      "replay_capacity is 0; expected at least");
  const auto of_space = [](const ActionSpace& space) {
    return CoreOrchestrator(target_factory(space), mlp_network(), options_for(1));
  };
  CHECK_THROWS_AS(of_space({.choices = {}, .low = {-1}, .high = {1}}), ArgumentError);
  CHECK_THROWS_WITH(of_space({.choices = {2, 3}, .low = {}, .high = {}}),
                    Catch::Contains("expected a3c or ppo"));
  CHECK_THROWS_WITH(CoreOrchestrator(target_factory(kChoice), mlp_network({.memory = 4}),
                                     [] {
                                       OrchestratorOptions options = options_for(1);
                                       options.hyperparameters.algorithm = "qr_dqn";
                                       return options;
                                     }()),
                    Catch::Contains("environment 'Target'") && Catch::Contains("without memory"));
  OrchestratorOptions large = options_for(1);
  large.replay_capacity = 1'000'000'000'000;
  CHECK_THROWS_WITH(
      make(large),
      Catch::Contains("1000000000000 steps for each of 1 worker in the replay buffer: the machine has"));
}

TEST_CASE("a minibatch that is larger than what is stored waits for the rows") {
  OrchestratorOptions options = options_for(1);
  options.hyperparameters.learning_starts = 0;
  options.hyperparameters.minibatch_size = 600;
  const auto trainer = make(options);
  CHECK(trainer->train_round().optimizer_steps == 0);
  CHECK(trainer->train_round().optimizer_steps == 0);
  CHECK(trainer->train_round().optimizer_steps == 76);
}
