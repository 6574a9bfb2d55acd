// Networks made of LibTorch's modules in workers that are forked, and as threads. The cases that use LibTorch
// in this process stand last: it must not fork after that.
#include <atomic>
#include <memory>
#include <vector>

#include "genkidama/env/cart_pole.h"
#include "genkidama/libtorch/actor_critic.h"
#include "genkidama/nn/check_gradients.h"
#include "genkidama/nn/free_outputs.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "libtorch/torch_network.h"
#include "support/catch.h"
#include "support/chain_environment.h"
#include "support/child_process.h"
#include "support/target_environment.h"

using namespace genkidama;
using namespace genkidama::test;
using genkidama::test::chain_factory;

namespace {

OrchestratorOptions options_for(WorkerMode mode, int workers) {
  OrchestratorOptions options;
  options.mode = mode;
  options.workers = workers;
  options.worker_timeout = Milliseconds{120'000};
  options.hyperparameters.optimizer = "adam";
  options.hyperparameters.learning_rate = 3e-3;
  options.hyperparameters.weight_decay = 0;
  options.hyperparameters.gamma = 0.95;
  options.hyperparameters.batch_size = 20;
  return options;
}

/// Wide enough that LibTorch would share its work out among OpenMP's threads.
class WideModule : public ActorCritic {
 public:
  explicit WideModule(const NetworkSpec& spec) {
    body_ = register_module("body", torch::nn::Linear(spec.observation_size(), 256));
    policy_ = register_module("policy", torch::nn::Linear(256, spec.policy));
    value_ = register_module("value", torch::nn::Linear(256, 1));
  }
  ActorCriticOutput forward(const torch::Tensor& observation) override {
    const auto features = torch::tanh(body_->forward(observation));
    return {policy_->forward(features), value_->forward(features).squeeze(-1)};
  }

 private:
  torch::nn::Linear body_{nullptr}, policy_{nullptr}, value_{nullptr};
};

/// Remembers the largest batch it played with.
class CountingModule : public ActorCritic {
 public:
  explicit CountingModule(std::atomic<std::int64_t>& largest) : largest_(largest) {
    policy_ = register_module("policy", torch::nn::Linear(3, 2));
    value_ = register_module("value", torch::nn::Linear(3, 1));
  }
  ActorCriticOutput forward(const torch::Tensor& observation) override {
    if (!torch::GradMode::is_enabled()) largest_ = std::max(largest_.load(), observation.size(0));
    return {policy_->forward(observation), value_->forward(observation).squeeze(-1)};
  }

 private:
  std::atomic<std::int64_t>& largest_;
  torch::nn::Linear policy_{nullptr}, value_{nullptr};
};

double mean_return(CoreOrchestrator& trainer) {
  double sum = 0;
  const auto episodes = trainer.evaluate({200, 5, false});
  for (const auto& episode : episodes) sum += episode.episode_return;
  return sum / static_cast<double>(episodes.size());
}

}  // namespace

TEST_CASE("forked workers train a module, time after time, and never hang", "[forks]") {
  for (int start = 0; start < 5; ++start) {
    CoreOrchestrator trainer(make_cart_pole, torch_network<WideModule>(),
                             options_for(WorkerMode::kProcesses, 3));
    for (int i = 0; i < 5; ++i) REQUIRE(trainer.train_round().episodes.size() == 3);
  }
}

TEST_CASE("a module learns choices, components and masks without knowing of free outputs", "[forks]") {
  auto options = options_for(WorkerMode::kProcesses, 1);
  options.hyperparameters.algorithm = "ppo";
  options.hyperparameters.gamma = 0;
  options.hyperparameters.round_steps = 500;
  options.hyperparameters.initial_log_deviation = -0.7;
  const ActionSpace hybrid{.choices = {3}, .low = {-1}, .high = {1}};
  CoreOrchestrator trainer(target_factory(hybrid, true), torch_network<WideModule>(), options);
  REQUIRE(trainer.layout().tensors().back().name == "log_deviation");
  const double before = mean_return(trainer);
  for (int i = 0; i < 15; ++i) trainer.train_round();
  REQUIRE(mean_return(trainer) > before + 3);  // of 20
  std::vector<float> weights(trainer.layout().size());
  trainer.read_weights(weights);
  REQUIRE(weights.back() != -0.7f);
}

TEST_CASE("a worker is replaced although the lead has computed with LibTorch meanwhile", "[forks]") {
  // In a process of its own: this one must go on forking.
  ChildProcess lead([] {
    CoreOrchestrator trainer(make_cart_pole, torch_network<WideModule>(),
                             options_for(WorkerMode::kProcesses, 2));
    torch::set_num_threads(4);
    const auto wide = torch::ones({512, 512});
    if (torch::mm(wide, wide).sum().item<float>() <= 0) return 1;
    for (int i = 0; i < 3; ++i) {
      for (const int pid : trainer.worker_pids()) ::kill(pid, SIGKILL);
      if (trainer.train_round().episodes.size() != 2) return 2;
    }
    return trainer.worker_restarts() == 6 ? 0 : 3;
  });
  REQUIRE(lead.wait() == "exit 0");  // ctest's own timeout bounds this wait
}

TEST_CASE("predictors and a learner whose networks compute on a device learn what they learn in place",
          "[forks]") {
  const auto module_of = [](const NetworkSpec& spec) { return std::make_shared<WideModule>(spec); };
  // The processor stands for a device: weights are copied to it, and gradients from it.
  const NetworkFactory far = [&](const NetworkSpec& spec, std::uint64_t seed) {
    torch::manual_seed(seed);
    return make_network_on(torch::Device(torch::kCPU), module_of(spec), spec);
  };
  std::vector<std::vector<float>> results;
  for (const NetworkFactory& network : {far, torch_network<WideModule>()}) {
    auto options = options_for(WorkerMode::kProcesses, 1);
    options.hyperparameters.algorithm = "ppo";
    options.hyperparameters.round_end = RoundEnd::kStep;
    options.hyperparameters.round_steps = 128;
    options.hyperparameters.environments_per_worker = 4;
    options.learning = Learning::kCentral;
    options.inference.predictors = 1;
    CoreOrchestrator trainer(make_cart_pole, network, options);
    for (int i = 0; i < 10; ++i) CHECK(trainer.train_round().steps_in_round == 128);
    results.emplace_back(trainer.layout().size());
    trainer.read_weights(results.back());
  }
  CHECK(results[0] == results[1]);
}

TEST_CASE("a trainer on a device that is not there is refused before anything is trained", "[forks]") {
  auto options = options_for(WorkerMode::kProcesses, 1);
  options.device = "cuda:99";
  CHECK_THROWS_WITH(CoreOrchestrator(make_cart_pole, torch_network<WideModule>(), options),
                    Catch::StartsWith("device is 'cuda:99'"));
  CHECK_THROWS_WITH(CoreOrchestrator(make_cart_pole, mlp_network(), options),
                    Catch::StartsWith("device is 'cuda:99', and this network computes on the processor"));
}

TEST_CASE("one worker and one seed give a module the same weights twice, as a process and as a thread",
          "[forks]") {
  std::vector<std::vector<float>> results;
  // The thread comes last, for the same reason.
  for (const WorkerMode mode : {WorkerMode::kProcesses, WorkerMode::kProcesses, WorkerMode::kThreads}) {
    CoreOrchestrator trainer(make_cart_pole, torch_network<WideModule>(), options_for(mode, 1));
    for (int i = 0; i < 20; ++i) trainer.train_round();
    results.emplace_back(trainer.layout().size());
    trainer.read_weights(results.back());
  }
  REQUIRE(results[0] == results[1]);
  REQUIRE(results[0] == results[2]);
}

TEST_CASE("a module plays all environments of a worker in one forward pass, and learns") {
  std::atomic<std::int64_t> largest{0};
  auto options = options_for(WorkerMode::kThreads, 1);
  options.hyperparameters.environments_per_worker = 4;
  CoreOrchestrator trainer(
      chain_factory(),
      torch_network([&](const NetworkSpec&) { return std::make_shared<CountingModule>(largest); }), options);
  const double before = mean_return(trainer);
  for (int i = 0; i < 200; ++i) REQUIRE(trainer.train_round().episodes.size() == 4);
  REQUIRE(largest == 4);
  REQUIRE(mean_return(trainer) > before + 0.2);
}

TEST_CASE("the gradients of a module with free outputs agree with finite differences") {
  const NetworkSpec spec{.observation = {3}, .policy = 4, .values = 1, .free = 2, .free_start = 0.1f};
  const auto network = make_network(torch_network<WideModule>(), spec, 1);
  const GradientReport report = check_gradients(*network, spec);
  CAPTURE(to_text(report));
  REQUIRE(report.ok());
  REQUIRE(report.tensors.back().name == "log_deviation");
}
