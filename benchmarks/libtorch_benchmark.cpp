// What LibTorch itself takes for the bundled networks' shapes, eagerly on one core: to compare the library's
// own functions with.

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
  return true;
}();

}  // namespace
