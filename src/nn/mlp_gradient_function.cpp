#include "nn/mlp_gradient_function.h"

#include <algorithm>
#include <vector>

namespace genkidama {
namespace {

constexpr std::size_t kLeastWidth = 8;

/// One head: linear layers with tanh between them.
class Head {
 public:
  Head(const std::vector<int>& sizes, const DenseKernels& kernels)
      : kernels_(kernels), sizes_(sizes.begin(), sizes.end()), floats_(head_floats(sizes)) {
    activations_.resize(layers());
  }

  /// Floats of this head in the flat weights.
  std::size_t floats() const { return floats_; }

  void forward(const float* weights, const float* input, std::size_t rows, float* output) {
    input_ = input;
    rows_ = rows;
    for (std::size_t i = 0; i < layers(); ++i) {
      const std::size_t in = sizes_[i];
      const std::size_t out = sizes_[i + 1];
      const bool last = i + 1 == layers();
      if (!last) activations_[i].resize(rows * out);
      float* result = last ? output : activations_[i].data();
      linear(weights, in, out, input_of(i), result);
      if (!last) kernels_.tanh_in_place(result, rows * out);
      weights += out * (in + 1);
    }
  }

  /// `output_gradient` is the loss' derivative by the output of forward().
  void backward(const float* weights, const float* output_gradient, float* gradient) {
    weights += floats_;
    gradient += floats_;
    const float* delta = output_gradient;
    for (std::size_t i = layers(); i-- > 0;) {
      const std::size_t in = sizes_[i];
      const std::size_t out = sizes_[i + 1];
      weights -= out * (in + 1);
      gradient -= out * (in + 1);
      kernels_.multiply({.rows = out,
                         .columns = in,
                         .depth = rows_,
                         .a = delta,
                         .a_row = 1,
                         .a_depth = out,
                         .b = input_of(i),
                         .b_row = in,
                         .c = gradient});
      sum_rows(delta, out, gradient + out * in);
      if (i > 0) delta = propagate(weights, delta, i);
    }
  }

 private:
  std::size_t layers() const { return sizes_.size() - 1; }
  const float* input_of(std::size_t layer) const {
    return layer == 0 ? input_ : activations_[layer - 1].data();
  }

  /// Works on the transpose of the weights, [in, out], in which neighbouring outputs lie side by side. Fewer
  /// outputs than the processor takes at once are filled up with zeros.
  void linear(const float* weights, std::size_t in, std::size_t out, const float* input, float* output) {
    const std::size_t width = std::max(out, kLeastWidth);
    transposed_.assign(in * width, 0.0f);
    for (std::size_t i = 0; i < in; ++i) {
      for (std::size_t o = 0; o < out; ++o) transposed_[i * width + o] = weights[o * in + i];
    }
    bias_.assign(width, 0.0f);
    std::copy_n(weights + out * in, out, bias_.data());
    if (width > out) wide_output_.resize(rows_ * width);
    kernels_.multiply({.rows = rows_,
                       .columns = width,
                       .depth = in,
                       .a = input,
                       .a_row = in,
                       .a_depth = 1,
                       .b = transposed_.data(),
                       .b_row = width,
                       .bias = bias_.data(),
                       .c = width > out ? wide_output_.data() : output});
    if (width == out) return;
    for (std::size_t row = 0; row < rows_; ++row) {
      std::copy_n(wide_output_.data() + row * width, out, output + row * out);
    }
  }

  void sum_rows(const float* delta, std::size_t width, float* sums) const {
    std::fill_n(sums, width, 0.0f);
    for (std::size_t row = 0; row < rows_; ++row) {
      for (std::size_t j = 0; j < width; ++j) sums[j] += delta[row * width + j];
    }
  }

  /// The derivative by the sums below layer `layer`: through its weights, then through tanh, whose derivative
  /// is 1 - tanh^2.
  const float* propagate(const float* weights, const float* delta, std::size_t layer) {
    const std::size_t in = sizes_[layer];
    const std::size_t out = sizes_[layer + 1];
    std::vector<float>& below = deltas_[layer % 2];
    below.resize(rows_ * in);
    kernels_.multiply({.rows = rows_,
                       .columns = in,
                       .depth = out,
                       .a = delta,
                       .a_row = out,
                       .a_depth = 1,
                       .b = weights,
                       .b_row = in,
                       .c = below.data()});
    const std::vector<float>& activation = activations_[layer - 1];
    for (std::size_t i = 0; i < below.size(); ++i) below[i] *= 1 - activation[i] * activation[i];
    return below.data();
  }

  const DenseKernels& kernels_;
  std::vector<std::size_t> sizes_;
  std::size_t floats_;
  const float* input_ = nullptr;
  std::size_t rows_ = 0;
  std::vector<std::vector<float>> activations_;  ///< [rows, size] of each hidden layer
  std::vector<float> transposed_;
  std::vector<float> bias_;
  std::vector<float> wide_output_;
  std::vector<float> deltas_[2];  ///< read from one, written to the other
};

class MlpGradientFunction : public GradientFunction {
 public:
  MlpGradientFunction(const MlpShape& shape, const DenseKernels& kernels)
      : policy_(shape.policy, kernels), value_(shape.value, kernels) {}

  void forward(std::span<const float> weights, std::span<const float> observations, std::span<float> logits,
               std::span<float> values) override {
    policy_.forward(weights.data(), observations.data(), values.size(), logits.data());
    value_.forward(weights.data() + policy_.floats(), observations.data(), values.size(), values.data());
  }

  void backward(std::span<const float> weights, std::span<const float> logits_gradient,
                std::span<const float> values_gradient, std::span<float> gradient) override {
    policy_.backward(weights.data(), logits_gradient.data(), gradient.data());
    value_.backward(weights.data() + policy_.floats(), values_gradient.data(),
                    gradient.data() + policy_.floats());
  }

 private:
  Head policy_;
  Head value_;
};

}  // namespace

std::unique_ptr<GradientFunction> make_mlp_gradient_function(const MlpShape& shape,
                                                             const DenseKernels& kernels) {
  return std::make_unique<MlpGradientFunction>(shape, kernels);
}

}  // namespace genkidama
