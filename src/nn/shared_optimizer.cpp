#include "genkidama/nn/shared_optimizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "genkidama/core/error.h"

namespace genkidama {
namespace {

constexpr std::size_t kChunk = 64;

/// torch.optim.SGD: v = momentum * v + g; w -= lr * v. A zero v makes the first step v = g, as there.
class SharedSgd : public SharedOptimizer {
 public:
  explicit SharedSgd(const OptimizerOptions& options)
      : momentum_(static_cast<float>(options.momentum)), decay_(static_cast<float>(options.weight_decay)) {}

  std::size_t state_size(std::size_t parameters) const override { return momentum_ == 0 ? 0 : parameters; }

  void step(std::span<float> weights, std::span<const float> gradient, std::span<float> state, std::uint64_t,
            double learning_rate) const override {
    const auto rate = static_cast<float>(learning_rate);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const float weight = relaxed_read(weights[i]);
      float change = gradient[i] + decay_ * weight;
      if (!state.empty()) {
        change += momentum_ * relaxed_read(state[i]);
        relaxed_write(state[i], change);
      }
      relaxed_write(weights[i], weight - rate * change);
    }
  }

 private:
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

  void step(std::span<float> weights, std::span<const float> gradient, std::span<float> state, std::uint64_t,
            double learning_rate) const override {
    const auto rate = static_cast<float>(learning_rate);
    const auto squares = state.first(weights.size());
    const auto velocity = state.last(weights.size());
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const float weight = relaxed_read(weights[i]);
      const float g = gradient[i] + decay_ * weight;
      const float square = smoothing_ * relaxed_read(squares[i]) + (1 - smoothing_) * g * g;
      relaxed_write(squares[i], square);
      const float change = momentum_ * relaxed_read(velocity[i]) + g / (std::sqrt(square) + epsilon_);
      relaxed_write(velocity[i], change);
      relaxed_write(weights[i], weight - rate * change);
    }
  }

 private:
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

  void step(std::span<float> weights, std::span<const float> gradient, std::span<float> state,
            std::uint64_t step, double learning_rate) const override {
    const auto first = state.first(weights.size());
    const auto second = state.last(weights.size());
    const auto steps = static_cast<double>(step);
    const auto rate = static_cast<float>(learning_rate / (1 - std::pow(beta1_, steps)));
    const auto correction = static_cast<float>(1 / std::sqrt(1 - std::pow(beta2_, steps)));
    const auto b1 = static_cast<float>(beta1_);
    const auto b2 = static_cast<float>(beta2_);
    const auto kept = static_cast<float>(1 - learning_rate * weight_decay_);
    // Atomic accesses keep a loop from being vectorised, so a chunk is copied out, changed and copied back.
    std::array<float, kChunk> w, m, v;
    for (std::size_t start = 0; start < weights.size(); start += kChunk) {
      const std::size_t count = std::min(kChunk, weights.size() - start);
      const float* g = gradient.data() + start;
      for (std::size_t i = 0; i < count; ++i) {
        w[i] = relaxed_read(weights[start + i]);
        m[i] = relaxed_read(first[start + i]);
        v[i] = relaxed_read(second[start + i]);
      }
      for (std::size_t i = 0; i < count; ++i) {
        const float change = g[i] + gradient_decay_ * w[i];
        m[i] = b1 * m[i] + (1 - b1) * change;
        v[i] = b2 * v[i] + (1 - b2) * change * change;
        w[i] = kept * w[i] - rate * m[i] / (std::sqrt(v[i]) * correction + epsilon_);
      }
      for (std::size_t i = 0; i < count; ++i) {
        relaxed_write(first[start + i], m[i]);
        relaxed_write(second[start + i], v[i]);
        relaxed_write(weights[start + i], w[i]);
      }
    }
  }

 private:
  double beta1_;
  double beta2_;
  float gradient_decay_;
  double weight_decay_;
  float epsilon_;
};

}  // namespace

std::unique_ptr<SharedOptimizer> make_shared_optimizer(const OptimizerOptions& options) {
  if (options.optimizer == "sgd") return std::make_unique<SharedSgd>(options);
  if (options.optimizer == "rmsprop") return std::make_unique<SharedRmsProp>(options);
  if (options.optimizer == "adam") return std::make_unique<SharedAdam>(options, Decay::kOfGradient);
  if (options.optimizer == "adamw") return std::make_unique<SharedAdam>(options, Decay::kOfWeights);
  throw ArgumentError(
      fmt::format("optimizer '{}' is not known; expected sgd, rmsprop, adam or adamw", options.optimizer));
}

}  // namespace genkidama
