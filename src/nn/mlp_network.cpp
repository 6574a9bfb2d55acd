#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/nn/networks.h"
#include "nn/bundled_network.h"
#include "nn/initial_weights.h"
#include "nn/mlp_gradient_function.h"
#include "nn/mlp_policy_function.h"

namespace genkidama {
namespace {

constexpr double kThesisDeviation = 0.1;

MlpShape shape_for(const NetworkSpec& spec, const std::vector<int>& hidden) {
  if (spec.observation_size() < 1 || spec.policy < 1 || spec.values != 1) {
    throw ArgumentError(fmt::format(
        "a multi-layer perceptron was asked for with {} floats of observation, {} policy outputs and {} "
        "values; expected at least 1, at least 1 and exactly 1",
        spec.observation_size(), spec.policy, spec.values));
  }
  MlpShape shape{{spec.observation_size()}, {spec.observation_size()}};
  shape.policy.insert(shape.policy.end(), hidden.begin(), hidden.end());
  shape.value.insert(shape.value.end(), hidden.begin(), hidden.end());
  shape.policy.push_back(spec.policy);
  shape.value.push_back(1);
  return shape;
}

void add_tensors(const std::string& prefix, const std::vector<int>& sizes,
                 std::vector<ParameterLayout::Tensor>& tensors) {
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    tensors.push_back({fmt::format("{}{}.weight", prefix, i + 1), {sizes[i + 1], sizes[i]}});
    tensors.push_back({fmt::format("{}{}.bias", prefix, i + 1), {sizes[i + 1]}});
  }
}

ParameterLayout layout_for(const MlpShape& shape) {
  std::vector<ParameterLayout::Tensor> tensors;
  add_tensors("pi", shape.policy, tensors);
  add_tensors("v", shape.value, tensors);
  return ParameterLayout(tensors);
}

/// Two separate heads of linear layers with tanh between them.
class MlpNetwork : public Network {
 public:
  MlpNetwork(const MlpOptions& options, const NetworkSpec& spec, std::uint64_t seed)
      : shape_(shape_for(spec, options.hidden)),
        layout_(layout_for(shape_)),
        description_(mlp_description(options.hidden)),
        orthogonal_(options.orthogonal),
        seed_(seed) {}

  const ParameterLayout& layout() const override { return layout_; }

  std::vector<float> first_weights() const override {
    std::vector<float> weights(layout_.size(), 0.0f);
    Random random(seed_);
    std::span<float> rest = weights;
    fill_head(shape_.policy, 0.01, rest, random);
    fill_head(shape_.value, 1, rest, random);
    return weights;
  }

  std::string description() const override { return description_; }

  std::unique_ptr<PolicyFunction> make_policy_function() override { return make_mlp_policy_function(shape_); }
  std::unique_ptr<GradientFunction> make_gradient_function() override {
    return make_mlp_gradient_function(shape_);
  }

 private:
  /// Takes the head's part off the front of `rest`; biases stay 0.
  void fill_head(const std::vector<int>& sizes, double last_gain, std::span<float>& rest,
                 Random& random) const {
    for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
      const auto columns = static_cast<std::size_t>(sizes[i]);
      const auto rows = static_cast<std::size_t>(sizes[i + 1]);
      const auto weights = rest.first(rows * columns);
      if (orthogonal_) {
        const bool last = i + 2 == sizes.size();
        fill_orthogonal(weights, rows, columns, last ? last_gain : std::sqrt(2.0), random);
      } else {
        fill_normal(weights, kThesisDeviation, random);
      }
      rest = rest.subspan(rows * columns + rows);
    }
  }

  MlpShape shape_;
  ParameterLayout layout_;
  std::string description_;
  bool orthogonal_;
  std::uint64_t seed_;
};

}  // namespace

NetworkFactory mlp_network(const MlpOptions& options) {
  for (const int units : options.hidden) {
    if (units < 1) throw ArgumentError(fmt::format("a hidden layer of {} units; expected at least 1", units));
  }
  return [options](const NetworkSpec& spec, std::uint64_t seed) -> std::unique_ptr<Network> {
    return std::make_unique<MlpNetwork>(options, spec, seed);
  };
}

NetworkFactory thesis_network() {
  return mlp_network({.hidden = {128}, .orthogonal = false});
}

}  // namespace genkidama
