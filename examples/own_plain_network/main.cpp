// A network of your own in plain code, without LibTorch: one hidden layer of tanh that policy and value
// share. The check of its gradients comes before any training.
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/nn/check_gradients.h"
#include "genkidama/nn/network.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/rl/algorithm.h"
#include "genkidama/run/evaluation.h"

namespace {

constexpr std::size_t kHidden = 32;

/// Sizes, and where each tensor begins in the flat weights: outputs are the logits and then the value.
struct Shape {
  std::size_t inputs, outputs;
  std::size_t body_bias = kHidden * inputs;
  std::size_t head = body_bias + kHidden;
  std::size_t head_bias = head + outputs * kHidden;
  std::size_t size = head_bias + outputs;
};

/// Computes hidden [kHidden] and outputs [outputs] of one observation.
void compute(const Shape& shape, std::span<const float> w, std::span<const float> observation,
             std::span<float> hidden, std::span<float> outputs) {
  for (std::size_t h = 0; h < kHidden; ++h) {
    float sum = w[shape.body_bias + h];
    for (std::size_t i = 0; i < shape.inputs; ++i) sum += w[h * shape.inputs + i] * observation[i];
    hidden[h] = std::tanh(sum);
  }
  for (std::size_t o = 0; o < shape.outputs; ++o) {
    outputs[o] = w[shape.head_bias + o];
    for (std::size_t h = 0; h < kHidden; ++h) outputs[o] += w[shape.head + o * kHidden + h] * hidden[h];
  }
}

class Play : public genkidama::PolicyFunction {
 public:
  explicit Play(const Shape& shape) : shape_(shape), hidden_(kHidden), outputs_(shape.outputs) {}

  void logits(std::span<const float> weights, std::span<const float> observation,
              std::span<float> logits) override {
    compute(shape_, weights, observation, hidden_, outputs_);
    std::copy(outputs_.begin(), outputs_.end() - 1, logits.begin());
  }

  float value(std::span<const float> weights, std::span<const float> observation) override {
    compute(shape_, weights, observation, hidden_, outputs_);
    return outputs_.back();
  }

 private:
  Shape shape_;
  std::vector<float> hidden_, outputs_;
};

class Learn : public genkidama::GradientFunction {
 public:
  explicit Learn(const Shape& shape) : shape_(shape), outputs_(shape.outputs), slope_(kHidden) {}

  void forward(std::span<const float> weights, std::span<const float> observations, std::span<float> logits,
               std::span<float> values) override {
    observations_ = observations;
    hidden_.resize(values.size() * kHidden);
    for (std::size_t n = 0; n < values.size(); ++n) {
      compute(shape_, weights, observation(n), hidden(n), outputs_);
      std::copy(outputs_.begin(), outputs_.end() - 1, logits.begin() + n * (shape_.outputs - 1));
      values[n] = outputs_.back();
    }
  }

  void backward(std::span<const float> weights, std::span<const float> by_logits,
                std::span<const float> by_values, std::span<float> gradient) override {
    std::fill(gradient.begin(), gradient.end(), 0.0F);
    for (std::size_t n = 0; n < by_values.size(); ++n) {
      std::fill(slope_.begin(), slope_.end(), 0.0F);
      for (std::size_t o = 0; o < shape_.outputs; ++o) {
        const bool is_value = o + 1 == shape_.outputs;
        const float by_output = is_value ? by_values[n] : by_logits[n * (shape_.outputs - 1) + o];
        gradient[shape_.head_bias + o] += by_output;
        for (std::size_t h = 0; h < kHidden; ++h) {
          gradient[shape_.head + o * kHidden + h] += by_output * hidden(n)[h];
          slope_[h] += by_output * weights[shape_.head + o * kHidden + h];
        }
      }
      for (std::size_t h = 0; h < kHidden; ++h) {
        const float by_sum = slope_[h] * (1 - hidden(n)[h] * hidden(n)[h]);  // tanh' = 1 - tanh^2
        gradient[shape_.body_bias + h] += by_sum;
        for (std::size_t i = 0; i < shape_.inputs; ++i) {
          gradient[h * shape_.inputs + i] += by_sum * observation(n)[i];
        }
      }
    }
  }

 private:
  std::span<const float> observation(std::size_t n) const {
    return observations_.subspan(n * shape_.inputs, shape_.inputs);
  }
  std::span<float> hidden(std::size_t n) { return std::span(hidden_).subspan(n * kHidden, kHidden); }

  Shape shape_;
  std::span<const float> observations_;
  std::vector<float> hidden_, outputs_, slope_;
};

class SharedBody : public genkidama::Network {
 public:
  SharedBody(const genkidama::NetworkSpec& spec, std::uint64_t seed)
      : shape_{static_cast<std::size_t>(spec.observation_size()), static_cast<std::size_t>(spec.policy) + 1},
        layout_({{"body.weight", {kHidden, spec.observation_size()}},
                 {"body.bias", {kHidden}},
                 {"head.weight", {spec.policy + 1, kHidden}},
                 {"head.bias", {spec.policy + 1}}}),
        seed_(seed) {}

  const genkidama::ParameterLayout& layout() const override { return layout_; }

  std::vector<float> first_weights() const override {
    genkidama::Random random(seed_);
    std::vector<float> weights(shape_.size, 0.0F);
    const auto fill = [&](std::size_t from, std::size_t to, double deviation) {
      for (std::size_t i = from; i < to; ++i) weights[i] = static_cast<float>(deviation * random.normal());
    };
    fill(0, shape_.body_bias, 0.5);
    fill(shape_.head, shape_.head_bias, 0.05);
    return weights;
  }

  /// Checkpoints are refused by a network that describes itself otherwise.
  std::string description() const override { return fmt::format("shared body {} tanh", kHidden); }

  std::unique_ptr<genkidama::PolicyFunction> make_policy_function() override {
    return std::make_unique<Play>(shape_);
  }
  std::unique_ptr<genkidama::GradientFunction> make_gradient_function() override {
    return std::make_unique<Learn>(shape_);
  }

 private:
  Shape shape_;
  genkidama::ParameterLayout layout_;
  std::uint64_t seed_;
};

std::unique_ptr<genkidama::Network> make_network(const genkidama::NetworkSpec& spec, std::uint64_t seed) {
  return std::make_unique<SharedBody>(spec, seed);
}

}  // namespace

int main() {
  const genkidama::NetworkSpec spec = genkidama::actor_critic_network(genkidama::make_cart_pole()->spec());
  const genkidama::GradientReport report = genkidama::check_gradients(*make_network(spec, 1), spec);
  fmt::print("{}", genkidama::to_text(report));
  if (!report.ok()) return 1;

  genkidama::OrchestratorOptions options;
  options.workers = 2;
  options.hyperparameters.optimizer = "adam";
  options.hyperparameters.learning_rate = 2e-3;
  options.hyperparameters.weight_decay = 0;
  options.hyperparameters.gamma = 0.99;
  options.hyperparameters.reward_scale = 0.05;
  genkidama::CoreOrchestrator trainer(genkidama::make_cart_pole, make_network, options);
  const double before = genkidama::run::evaluate(trainer, {.episodes = 50}).mean;
  for (int round = 0; round < 300; ++round) trainer.train_round();
  const double after = genkidama::run::evaluate(trainer, {.episodes = 50}).mean;
  fmt::print("mean return {:.0f} before, {:.0f} after {} steps\n", before, after,
             trainer.environment_steps());
  return after > 2 * before ? 0 : 1;
}
