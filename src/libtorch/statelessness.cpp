#include "libtorch/statelessness.h"

#include <ATen/CPUGeneratorImpl.h>
#include <fmt/format.h>

#include <mutex>

#include "genkidama/core/error.h"

namespace genkidama {
namespace {

constexpr const char* kSupported =
    "The library gives a network one observation at a time, in any order, and carries no state between them. "
    "Use "
    "layers without memory and put what the policy must remember into the observation, for instance the last "
    "few "
    "observations";

/// The kind of a recurrent layer, or nothing.
const char* recurrent_kind(const torch::nn::Module& layer) {
  if (layer.as<torch::nn::LSTM>()) return "LSTM";
  if (layer.as<torch::nn::GRU>()) return "GRU";
  if (layer.as<torch::nn::RNN>()) return "RNN";
  if (layer.as<torch::nn::LSTMCell>()) return "LSTMCell";
  if (layer.as<torch::nn::GRUCell>()) return "GRUCell";
  if (layer.as<torch::nn::RNNCell>()) return "RNNCell";
  return nullptr;
}

/// Dropout and the like draw the same numbers each time.
ActorCriticOutput answer(ActorCritic& module, const torch::Tensor& observation) {
  torch::manual_seed(1);
  return module.forward(observation);
}

/// Puts the generator back where it was.
class KeptGenerator {
 public:
  KeptGenerator() : state_(with_generator([](at::Generator& g) { return g.get_state(); })) {}
  KeptGenerator(const KeptGenerator&) = delete;
  KeptGenerator& operator=(const KeptGenerator&) = delete;
  ~KeptGenerator() {
    with_generator([this](at::Generator& g) { return g.set_state(state_), state_; });
  }

 private:
  template <typename Function>
  static torch::Tensor with_generator(Function function) {
    at::Generator generator = at::detail::getDefaultCPUGenerator();
    const std::lock_guard<std::mutex> lock(generator.mutex());
    return function(generator);
  }

  torch::Tensor state_;
};

bool is_same(const torch::Tensor& a, const torch::Tensor& b) {
  return a.sizes() == b.sizes() && torch::allclose(a, b, 1e-5, 1e-6, /*equal_nan=*/true);
}

}  // namespace

void check_stateless(ActorCritic& module, const torch::Tensor& observation) {
  const torch::NoGradGuard no_grad;
  const KeptGenerator kept;
  const ActorCriticOutput first = answer(module, observation);
  const ActorCriticOutput second = answer(module, observation);
  if (!is_same(first.logits, second.logits) || !is_same(first.value, second.value)) {
    throw ArgumentError(
        fmt::format("the network answered the same observation differently the second time, so it remembers "
                    "something from one "
                    "forward() to the next. {}",
                    kSupported));
  }
  if (module.restarts_recurrent_layers()) return;
  for (const auto& layer : module.named_modules()) {
    const char* kind = layer.value() ? recurrent_kind(*layer.value()) : nullptr;
    if (!kind) continue;
    throw ArgumentError(
        fmt::format("the network's layer '{}' is a recurrent one ({}). {}. A module whose recurrent layers "
                    "start from zeros in "
                    "every forward() says so by overriding restarts_recurrent_layers()",
                    layer.key(), kind, kSupported));
  }
}

}  // namespace genkidama
