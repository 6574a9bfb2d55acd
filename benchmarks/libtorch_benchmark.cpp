// What LibTorch itself takes for the bundled networks' shapes and for a step of SAC, eagerly on one core: to
// compare the library's own functions with.

#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include <string>
#include <vector>

namespace {

struct Network {
  explicit Network(const std::vector<int>& hidden) {
    for (const int outputs : {4, 1}) {
      torch::nn::Sequential head;
      int size = 8;
      for (const int units : hidden) {
        head->push_back(torch::nn::Linear(size, units));
        head->push_back(torch::nn::Tanh());
        size = units;
      }
      head->push_back(torch::nn::Linear(size, outputs));
      heads.push_back(head);
    }
  }
  torch::Tensor logits(const torch::Tensor& observation) { return heads[0]->forward(observation); }
  torch::Tensor value(const torch::Tensor& observation) { return heads[1]->forward(observation); }

  std::vector<torch::nn::Sequential> heads;
};

void greedy(benchmark::State& state, const std::vector<int>& hidden) {
  const c10::InferenceMode inference;
  Network network(hidden);
  const auto observation = torch::rand({1, 8});
  for (auto _ : state) benchmark::DoNotOptimize(network.logits(observation).argmax().item<std::int64_t>());
}

void sample(benchmark::State& state, const std::vector<int>& hidden) {
  const c10::InferenceMode inference;
  Network network(hidden);
  const auto observation = torch::rand({1, 8});
  for (auto _ : state) {
    benchmark::DoNotOptimize(network.logits(observation).softmax(1).multinomial(1).item<std::int64_t>());
  }
}

void training_step(benchmark::State& state, const std::vector<int>& hidden) {
  Network network(hidden);
  const auto observations = torch::rand({state.range(0), 8});
  for (auto _ : state) {
    for (auto& head : network.heads) head->zero_grad();
    (network.logits(observations).log_softmax(1).mean() + network.value(observations).square().mean())
        .backward();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

torch::nn::Sequential relu_layers(int inputs, const std::vector<int>& hidden, int outputs) {
  torch::nn::Sequential layers;
  for (const int units : hidden) {
    layers->push_back(torch::nn::Linear(inputs, units));
    layers->push_back(torch::nn::ReLU());
    inputs = units;
  }
  layers->push_back(torch::nn::Linear(inputs, outputs));
  return layers;
}

std::vector<torch::Tensor> parameters_of(const std::vector<torch::nn::Sequential>& modules) {
  std::vector<torch::Tensor> all;
  for (const auto& module : modules) {
    for (const auto& parameter : module->parameters()) all.push_back(parameter);
  }
  return all;
}

struct SacSample {
  torch::Tensor action, log_probability;
};

SacSample sample_policy(torch::nn::Sequential& policy, const torch::Tensor& observations) {
  const auto outputs = policy->forward(observations).chunk(2, 1);
  const auto log_deviation = outputs[1].clamp(-20, 2);
  const auto noise = torch::randn_like(outputs[0]);
  const auto sum = outputs[0] + log_deviation.exp() * noise;
  const auto action = sum.tanh();
  const auto density = -0.5 * noise.square() - log_deviation - 0.9189385;
  return {action, (density - (1 - action.square() + 1e-6).log()).sum(1)};
}

/// What sac_benchmark.cpp measures, with minibatches that are drawn by indices from tensors.
void sac_step(benchmark::State& state, const std::vector<int>& hidden) {
  const auto size = state.range(0);
  auto policy = relu_layers(3, hidden, 2);
  std::vector<torch::nn::Sequential> critics, targets;
  for (int i = 0; i < 2; ++i) {
    critics.push_back(relu_layers(4, hidden, 1));
    targets.push_back(relu_layers(4, hidden, 1));
  }
  auto log_temperature = torch::zeros({1}, torch::requires_grad());
  torch::optim::Adam policy_optimizer(policy->parameters(), 1e-3);
  torch::optim::Adam critic_optimizer(parameters_of(critics), 1e-3);
  torch::optim::Adam temperature_optimizer({log_temperature}, 1e-3);
  const auto stored_observations = torch::rand({10000, 3}), stored_actions = torch::rand({10000, 1}) * 2 - 1;
  const auto stored_next = torch::rand({10000, 3}), stored_rewards = torch::rand({10000});
  const auto least = [](std::vector<torch::nn::Sequential>& of, const torch::Tensor& inputs) {
    return torch::min(of[0]->forward(inputs), of[1]->forward(inputs)).squeeze(1);
  };
  for (auto _ : state) {
    const auto rows = torch::randint(10000, {size});
    const auto observations = stored_observations.index({rows}), actions = stored_actions.index({rows});
    torch::Tensor wanted;
    {
      const torch::NoGradGuard no_gradient;
      const auto next = stored_next.index({rows});
      const auto sampled = sample_policy(policy, next);
      wanted = stored_rewards.index({rows}) + 0.99 * (least(targets, torch::cat({next, sampled.action}, 1)) -
                                                      log_temperature.exp() * sampled.log_probability);
    }
    const auto inputs = torch::cat({observations, actions}, 1);
    critic_optimizer.zero_grad();
    (0.5 * (critics[0]->forward(inputs).squeeze(1) - wanted).square().mean() +
     0.5 * (critics[1]->forward(inputs).squeeze(1) - wanted).square().mean())
        .backward();
    critic_optimizer.step();
    const auto sampled = sample_policy(policy, observations);
    policy_optimizer.zero_grad();
    (log_temperature.exp().detach() * sampled.log_probability -
     least(critics, torch::cat({observations, sampled.action}, 1)))
        .mean()
        .backward();
    policy_optimizer.step();
    temperature_optimizer.zero_grad();
    (-log_temperature * (sampled.log_probability.detach() - 1).mean()).backward();
    temperature_optimizer.step();
    const torch::NoGradGuard no_gradient;
    const auto from = parameters_of(critics), to = parameters_of(targets);
    for (std::size_t i = 0; i < to.size(); ++i) to[i].lerp_(from[i], 0.005);
  }
}

[[maybe_unused]] const bool registered = [] {
  at::set_num_threads(1);
  const std::vector<std::pair<std::string, std::vector<int>>> networks{{"thesis", {128}},
                                                                       {"mlp64", {64, 64}}};
  for (const auto& [name, hidden] : networks) {
    benchmark::RegisterBenchmark(("libtorch/action/" + name + "/greedy").c_str(), greedy, hidden);
    benchmark::RegisterBenchmark(("libtorch/action/" + name + "/sample").c_str(), sample, hidden);
    benchmark::RegisterBenchmark(("libtorch/training_step/" + name).c_str(), training_step, hidden)
        ->Arg(64)
        ->Arg(120);
  }
  benchmark::RegisterBenchmark("libtorch/sac_step/mlp64", sac_step, std::vector<int>{64, 64})
      ->Arg(100)
      ->Arg(256);
  benchmark::RegisterBenchmark("libtorch/sac_step/mlp256", sac_step, std::vector<int>{256, 256})->Arg(256);
  return true;
}();

}  // namespace
