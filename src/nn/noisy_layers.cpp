#include "nn/noisy_layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"

namespace genkidama {
namespace {

constexpr std::string_view kWeight = ".weight", kBias = ".bias";
constexpr const char* kSigma = "_sigma";

/// A fully connected layer in the flat weights. Its deviations lie side by side, the matrix's first.
struct NoisyLayer {
  std::size_t outputs, inputs;
  std::size_t weight, bias;  ///< where its means are
  std::size_t deviations;    ///< where its deviations are

  std::size_t matrix() const { return outputs * inputs; }
};

/// The matrices that a bias belongs to, in the layout's order. What memory and normalised layers have is
/// named or shaped otherwise.
std::vector<NoisyLayer> noisy_layers(const ParameterLayout& layout) {
  std::vector<NoisyLayer> layers;
  std::size_t deviations = layout.size();
  for (const TensorInfo& tensor : layout.tensors()) {
    if (!tensor.name.ends_with(kWeight) || tensor.shape.size() != 2) continue;
    const std::string bias = tensor.name.substr(0, tensor.name.size() - kWeight.size()).append(kBias);
    const auto found = std::find_if(layout.tensors().begin(), layout.tensors().end(),
                                    [&](const TensorInfo& other) { return other.name == bias; });
    if (found == layout.tensors().end() || found->shape != std::vector{tensor.shape[0]}) continue;
    const auto outputs = static_cast<std::size_t>(tensor.shape[0]);
    const auto inputs = static_cast<std::size_t>(tensor.shape[1]);
    layers.push_back({outputs, inputs, tensor.offset, found->offset, deviations});
    deviations += tensor.count + found->count;
  }
  return layers;
}

std::string name_at(const ParameterLayout& layout, std::size_t offset) {
  const auto found = std::find_if(layout.tensors().begin(), layout.tensors().end(),
                                  [&](const TensorInfo& tensor) { return tensor.offset == offset; });
  return found->name;
}

ParameterLayout with_deviations(const ParameterLayout& inner, const std::vector<NoisyLayer>& layers) {
  std::vector<ParameterLayout::Tensor> tensors;
  for (const TensorInfo& tensor : inner.tensors()) tensors.push_back({tensor.name, tensor.shape});
  for (const NoisyLayer& layer : layers) {
    const auto outputs = static_cast<std::int64_t>(layer.outputs);
    const auto inputs = static_cast<std::int64_t>(layer.inputs);
    tensors.push_back({name_at(inner, layer.weight) + kSigma, {outputs, inputs}});
    tensors.push_back({name_at(inner, layer.bias) + kSigma, {outputs}});
  }
  return ParameterLayout(tensors);
}

/// Factorised Gaussian noise: a number for each input and one for each output of a layer; that of a weight is
/// the product of both.
class LayerNoise final : public WeightNoise {
 public:
  LayerNoise(std::vector<NoisyLayer> layers, std::size_t means, std::size_t weights)
      : layers_(std::move(layers)), means_(means), drawn_(weights - means) {}

  void draw(Random& random) override {
    for (const NoisyLayer& layer : layers_) {
      of_inputs_.resize(layer.inputs);
      for (float& number : of_inputs_) number = scaled(random.normal());
      float* at = drawn_.data() + (layer.deviations - means_);
      float* of_bias = at + layer.matrix();
      for (std::size_t row = 0; row < layer.outputs; ++row) {
        const float of_output = scaled(random.normal());
        for (const float of_input : of_inputs_) *at++ = of_output * of_input;
        of_bias[row] = of_output;
      }
    }
    is_drawn_ = true;
  }

  void clear() override { is_drawn_ = false; }

  const std::vector<NoisyLayer>& layers() const { return layers_; }

  std::span<const float> means_of(std::span<const float> weights) const { return weights.first(means_); }

  /// What the network within computes with: the means, or in `noisy` the means and their noise.
  std::span<const float> noisy_weights(std::span<const float> weights, std::vector<float>& noisy) const {
    const auto means = means_of(weights);
    if (!is_drawn_) return means;
    noisy.assign(means.begin(), means.end());
    for_each_part([&](std::size_t mean, std::size_t deviation, std::size_t count) {
      const float* by = drawn_.data() + (deviation - means_);
      for (std::size_t i = 0; i < count; ++i) noisy[mean + i] += weights[deviation + i] * by[i];
    });
    return noisy;
  }

  std::span<float> by_means(std::span<float> gradient) const { return gradient.first(means_); }

  /// From the derivatives by the means, which are there, to those by the deviations.
  void complete(std::span<float> gradient) const {
    if (!is_drawn_) {
      std::fill(gradient.begin() + static_cast<std::ptrdiff_t>(means_), gradient.end(), 0.0f);
      return;
    }
    for_each_part([&](std::size_t mean, std::size_t deviation, std::size_t count) {
      const float* by = drawn_.data() + (deviation - means_);
      for (std::size_t i = 0; i < count; ++i) gradient[deviation + i] = gradient[mean + i] * by[i];
    });
  }

 private:
  static float scaled(double normal) {
    return static_cast<float>(std::copysign(std::sqrt(std::abs(normal)), normal));
  }

  /// Calls `with` with the place of means, that of their deviations, and how many there are.
  template <typename With>
  void for_each_part(const With& with) const {
    for (const NoisyLayer& layer : layers_) {
      with(layer.weight, layer.deviations, layer.matrix());
      with(layer.bias, layer.deviations + layer.matrix(), layer.outputs);
    }
  }

  std::vector<NoisyLayer> layers_;
  std::size_t means_;         ///< how many weights are no deviations
  std::vector<float> drawn_;  ///< for each deviation
  std::vector<float> of_inputs_;
  bool is_drawn_ = false;
};

class NoisyPolicyFunction final : public PolicyFunction {
 public:
  NoisyPolicyFunction(std::unique_ptr<PolicyFunction> inner, const LayerNoise& noise)
      : inner_(std::move(inner)), noise_(noise) {}

  void logits(std::span<const float> weights, std::span<const float> observation,
              std::span<float> logits) override {
    inner_->logits(noise_.noisy_weights(weights, noisy_), observation, logits);
  }

  void logits_of_batch(std::span<const float> weights, std::span<const float> observations, std::size_t n,
                       std::span<float> logits) override {
    inner_->logits_of_batch(noise_.noisy_weights(weights, noisy_), observations, n, logits);
  }

  float value(std::span<const float> weights, std::span<const float> observation) override {
    return inner_->value(noise_.noisy_weights(weights, noisy_), observation);
  }

 private:
  std::unique_ptr<PolicyFunction> inner_;
  const LayerNoise& noise_;
  std::vector<float> noisy_;
};

class NoisyGradientFunction final : public GradientFunction {
 public:
  NoisyGradientFunction(std::unique_ptr<GradientFunction> inner, const LayerNoise& noise)
      : inner_(std::move(inner)), noise_(noise) {}

  void forward(std::span<const float> weights, std::span<const float> observations, std::span<float> logits,
               std::span<float> values) override {
    inner_->forward(noise_.noisy_weights(weights, noisy_), observations, logits, values);
  }

  void backward(std::span<const float> weights, std::span<const float> logits_gradient,
                std::span<const float> values_gradient, std::span<float> gradient) override {
    inner_->backward(noise_.noisy_weights(weights, noisy_), logits_gradient, values_gradient,
                     noise_.by_means(gradient));
    noise_.complete(gradient);
  }

 private:
  std::unique_ptr<GradientFunction> inner_;
  const LayerNoise& noise_;
  std::vector<float> noisy_;
};

class NoisyRecurrentPolicy final : public RecurrentPolicyFunction {
 public:
  NoisyRecurrentPolicy(std::unique_ptr<RecurrentPolicyFunction> inner, const LayerNoise& noise)
      : inner_(std::move(inner)), noise_(noise) {}

  void step(std::span<const float> weights, std::span<const float> observations, std::size_t n,
            std::span<float> states, std::span<float> outputs) override {
    inner_->step(noise_.noisy_weights(weights, noisy_), observations, n, states, outputs);
  }

  float value(std::span<const float> weights, std::span<const float> observation,
              std::span<const float> state) override {
    return inner_->value(noise_.noisy_weights(weights, noisy_), observation, state);
  }

 private:
  std::unique_ptr<RecurrentPolicyFunction> inner_;
  const LayerNoise& noise_;
  std::vector<float> noisy_;
};

class NoisySequenceGradient final : public SequenceGradientFunction {
 public:
  NoisySequenceGradient(std::unique_ptr<SequenceGradientFunction> inner, const LayerNoise& noise)
      : inner_(std::move(inner)), noise_(noise) {}

  void forward(std::span<const float> weights, const Sequences& sequences, std::span<float> outputs,
               std::span<float> values, std::span<float> states) override {
    inner_->forward(noise_.noisy_weights(weights, noisy_), sequences, outputs, values, states);
  }

  void backward(std::span<const float> weights, std::span<const float> outputs_gradient,
                std::span<const float> values_gradient, std::span<float> gradient) override {
    inner_->backward(noise_.noisy_weights(weights, noisy_), outputs_gradient, values_gradient,
                     noise_.by_means(gradient));
    noise_.complete(gradient);
  }

 private:
  std::unique_ptr<SequenceGradientFunction> inner_;
  const LayerNoise& noise_;
  std::vector<float> noisy_;
};

class NoisyLayers final : public Network {
 public:
  NoisyLayers(std::unique_ptr<Network> inner, std::vector<NoisyLayer> layers, double start)
      : inner_(std::move(inner)),
        start_(start),
        layout_(with_deviations(inner_->layout(), layers)),
        noise_(std::move(layers), inner_->layout().size(), layout_.size()) {}

  const ParameterLayout& layout() const override { return layout_; }

  std::vector<float> first_weights() const override {
    std::vector<float> weights = inner_->first_weights();
    for (const NoisyLayer& layer : noise_.layers()) {
      const double deviation = start_ / std::sqrt(static_cast<double>(layer.inputs));
      weights.insert(weights.end(), layer.matrix() + layer.outputs, static_cast<float>(deviation));
    }
    return weights;
  }

  void use_device(const std::string& device) override { inner_->use_device(device); }

  std::unique_ptr<PolicyFunction> make_policy_function() override {
    auto inner = inner_->make_policy_function();
    return inner ? std::make_unique<NoisyPolicyFunction>(std::move(inner), noise_) : nullptr;
  }
  std::unique_ptr<GradientFunction> make_gradient_function() override {
    auto inner = inner_->make_gradient_function();
    return inner ? std::make_unique<NoisyGradientFunction>(std::move(inner), noise_) : nullptr;
  }

  std::size_t state_size() const override { return inner_->state_size(); }
  std::unique_ptr<RecurrentPolicyFunction> make_recurrent_policy_function() override {
    auto inner = inner_->make_recurrent_policy_function();
    return inner ? std::make_unique<NoisyRecurrentPolicy>(std::move(inner), noise_) : nullptr;
  }
  std::unique_ptr<SequenceGradientFunction> make_sequence_gradient_function() override {
    auto inner = inner_->make_sequence_gradient_function();
    return inner ? std::make_unique<NoisySequenceGradient>(std::move(inner), noise_) : nullptr;
  }

  WeightNoise* noise() override { return &noise_; }
  std::string description() const override { return inner_->description(); }

 private:
  std::unique_ptr<Network> inner_;
  double start_;
  ParameterLayout layout_;
  LayerNoise noise_;
};

}  // namespace

std::unique_ptr<Network> with_noisy_layers(std::unique_ptr<Network> inner, double start) {
  std::vector<NoisyLayer> layers = noisy_layers(inner->layout());
  if (layers.empty()) {
    throw ArgumentError(fmt::format(
        "noisy layers were asked of a network without fully connected ones; expected a tensor NAME{} of two "
        "dimensions together with NAME{}",
        kWeight, kBias));
  }
  return std::make_unique<NoisyLayers>(std::move(inner), std::move(layers), start);
}

}  // namespace genkidama
