#include "genkidama/nn/shared_optimizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "genkidama/core/error.h"
#include "nn/optimizer_kernels.h"

namespace genkidama {
namespace {

/// Elements that are copied out of shared memory, changed and copied back in one go: as many as keep the
/// copies in the nearest cache. Atomic accesses between the arithmetic would keep it from being vectorised.
constexpr std::size_t kChunk = 256;

/// The state's floats, in the order in which they lie: none, one or two for each weight.
template <typename Float>
struct StateParts {
  std::span<Float> first, second;

  StateParts(std::span<Float> state, std::size_t weights)
      : first(state.first(std::min(weights, state.size()))), second(state.subspan(first.size())) {}
};

template <typename Step>
using Kernel = void (*)(const Step& step, const OptimizedElements& elements);

/// On memory that other processes write at the same time.
template <typename Step>
void step_on_shared(Kernel<Step> kernel, const Step& step, std::span<float> weights,
                    std::span<const float> gradient, std::span<float> state) {
  const StateParts parts(state, weights.size());
  std::array<float, kChunk> w, first, second;
  for (std::size_t start = 0; start < weights.size(); start += kChunk) {
    const std::size_t count = std::min(kChunk, weights.size() - start);
    const auto own = [count](std::array<float, kChunk>& chunk) { return std::span(chunk).first(count); };
    const auto shared = [&](std::span<float> all) { return all.subspan(start, count); };
    OptimizedElements elements{.count = count, .weights = w.data(), .gradient = gradient.data() + start};
    relaxed_load(shared(weights), own(w));
    if (!parts.first.empty()) {
      relaxed_load(shared(parts.first), own(first));
      elements.first_state = first.data();
    }
    if (!parts.second.empty()) {
      relaxed_load(shared(parts.second), own(second));
      elements.second_state = second.data();
    }
    kernel(step, elements);
    if (!parts.first.empty()) relaxed_store(shared(parts.first), own(first));
    if (!parts.second.empty()) relaxed_store(shared(parts.second), own(second));
    relaxed_store(shared(weights), own(w));
  }
}

/// On memory that nobody else touches.
template <typename Step>
void step_on_own(Kernel<Step> kernel, const Step& step, std::span<float> weights,
                 std::span<const float> gradient, std::span<float> state) {
  const StateParts parts(state, weights.size());
  kernel(step, {.count = weights.size(),
                .weights = weights.data(),
                .gradient = gradient.data(),
                .first_state = parts.first.empty() ? nullptr : parts.first.data(),
                .second_state = parts.second.empty() ? nullptr : parts.second.data()});
}

/// torch.optim.SGD: v = momentum * v + g; w -= lr * v. A zero v makes the first step v = g, as there.
class SharedSgd : public SharedOptimizer {
 public:
  explicit SharedSgd(const OptimizerOptions& options)
      : momentum_(static_cast<float>(options.momentum)), decay_(static_cast<float>(options.weight_decay)) {}

  std::size_t state_size(std::size_t parameters) const override { return momentum_ == 0 ? 0 : parameters; }
  MomentsShape moments_shape(std::size_t parameters) const override { return {state_size(parameters)}; }

  void step(std::span<float> weights, std::span<const float> gradient, std::span<float> state, std::uint64_t,
            double learning_rate) const override {
    step_on_shared(kernels_.sgd, numbers(learning_rate), weights, gradient, state);
  }
  void step_alone(std::span<float> weights, std::span<const float> gradient, std::span<float> state,
                  std::uint64_t, double learning_rate) const override {
    step_on_own(kernels_.sgd, numbers(learning_rate), weights, gradient, state);
  }

 private:
  SgdStep numbers(double learning_rate) const {
    return {.rate = static_cast<float>(learning_rate), .momentum = momentum_, .decay = decay_};
  }

  const OptimizerKernels& kernels_ = optimizer_kernels();
  float momentum_;
  float decay_;
};

/// torch.optim.RMSprop, not centered: s = a s + (1-a) g^2; v = momentum v + g / (sqrt(s) + eps); w -= lr v.
/// State: s, then v.
class SharedRmsProp : public SharedOptimizer {
 public:
  explicit SharedRmsProp(const OptimizerOptions& options)
      : momentum_(static_cast<float>(options.momentum)),
        decay_(static_cast<float>(options.weight_decay)),
        smoothing_(static_cast<float>(options.rms_decay)),
        epsilon_(static_cast<float>(options.denominator_epsilon)) {}

  std::size_t state_size(std::size_t parameters) const override { return 2 * parameters; }
  MomentsShape moments_shape(std::size_t parameters) const override {
    return {state_size(parameters), 0, parameters};
  }

  void step(std::span<float> weights, std::span<const float> gradient, std::span<float> state, std::uint64_t,
            double learning_rate) const override {
    step_on_shared(kernels_.rmsprop, numbers(learning_rate), weights, gradient, state);
  }
  void step_alone(std::span<float> weights, std::span<const float> gradient, std::span<float> state,
                  std::uint64_t, double learning_rate) const override {
    step_on_own(kernels_.rmsprop, numbers(learning_rate), weights, gradient, state);
  }

 private:
  RmsPropStep numbers(double learning_rate) const {
    return {.rate = static_cast<float>(learning_rate),
            .momentum = momentum_,
            .decay = decay_,
            .smoothing = smoothing_,
            .epsilon = epsilon_};
  }

  const OptimizerKernels& kernels_ = optimizer_kernels();
  float momentum_;
  float decay_;
  float smoothing_;
  float epsilon_;
};

/// Where weight decay acts: as a part of the gradient (Adam), or on the weights themselves, beside the
/// moments (AdamW, Loshchilov and Hutter 2019).
enum class Decay { kOfGradient, kOfWeights };

/// torch.optim.Adam (Kingma and Ba 2015) and torch.optim.AdamW, with both moments corrected by the shared
/// step counter. State: first moments, then second.
class SharedAdam : public SharedOptimizer {
 public:
  SharedAdam(const OptimizerOptions& options, Decay decay)
      : beta1_(options.adam_beta1),
        beta2_(options.adam_beta2),
        gradient_decay_(decay == Decay::kOfGradient ? static_cast<float>(options.weight_decay) : 0.0f),
        weight_decay_(decay == Decay::kOfWeights ? options.weight_decay : 0.0),
        epsilon_(static_cast<float>(options.denominator_epsilon)) {}

  std::size_t state_size(std::size_t parameters) const override { return 2 * parameters; }
  MomentsShape moments_shape(std::size_t parameters) const override {
    return {state_size(parameters), parameters, state_size(parameters)};
  }

  void step(std::span<float> weights, std::span<const float> gradient, std::span<float> state,
            std::uint64_t step, double learning_rate) const override {
    step_on_shared(kernels_.adam, numbers(step, learning_rate), weights, gradient, state);
  }
  void step_alone(std::span<float> weights, std::span<const float> gradient, std::span<float> state,
                  std::uint64_t step, double learning_rate) const override {
    step_on_own(kernels_.adam, numbers(step, learning_rate), weights, gradient, state);
  }

 private:
  AdamStep numbers(std::uint64_t step, double learning_rate) const {
    const auto steps = static_cast<double>(step);
    return {.rate = static_cast<float>(learning_rate / (1 - std::pow(beta1_, steps))),
            .b1 = static_cast<float>(beta1_),
            .b2 = static_cast<float>(beta2_),
            .decay = gradient_decay_,
            .kept = static_cast<float>(1 - learning_rate * weight_decay_),
            .correction = static_cast<float>(1 / std::sqrt(1 - std::pow(beta2_, steps))),
            .epsilon = epsilon_};
  }

  const OptimizerKernels& kernels_ = optimizer_kernels();
  double beta1_;
  double beta2_;
  float gradient_decay_;
  double weight_decay_;
  float epsilon_;
};

}  // namespace

void SharedOptimizer::step_alone(std::span<float> weights, std::span<const float> gradient,
                                 std::span<float> state, std::uint64_t step, double learning_rate) const {
  this->step(weights, gradient, state, step, learning_rate);
}

std::vector<std::string> optimizer_names() {
  return {"sgd", "rmsprop", "adam", "adamw"};
}

std::unique_ptr<SharedOptimizer> make_shared_optimizer(const OptimizerOptions& options) {
  if (options.optimizer == "sgd") return std::make_unique<SharedSgd>(options);
  if (options.optimizer == "rmsprop") return std::make_unique<SharedRmsProp>(options);
  if (options.optimizer == "adam") return std::make_unique<SharedAdam>(options, Decay::kOfGradient);
  if (options.optimizer == "adamw") return std::make_unique<SharedAdam>(options, Decay::kOfWeights);
  throw ArgumentError(fmt::format("optimizer '{}' is not known; expected one of {}", options.optimizer,
                                  fmt::join(optimizer_names(), ", ")));
}

}  // namespace genkidama
