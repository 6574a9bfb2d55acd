#include "nn/dense_stack.h"

#include <algorithm>

#include "nn/sum_rows.h"
#include "nn/transpose.h"

namespace genkidama {
namespace {

constexpr std::size_t kLeastWidth = 8;

void activate_in_place(const DenseKernels& kernels, Activation activation, float* values, std::size_t count) {
  switch (activation) {
    case Activation::kTanh:
      return kernels.tanh_in_place(values, count);
    case Activation::kRelu:
      return kernels.relu_in_place(values, count);
    case Activation::kSilu:
      return kernels.silu_in_place(values, count);
  }
}

}  // namespace

std::size_t DenseStack::floats() const {
  std::size_t total = 0;
  for (std::size_t layer = 0; layer < layers(); ++layer) total += floats(layer);
  return total;
}

SingleStack::SingleStack(const DenseStack& stack, const DenseKernels& kernels)
    : kernels_(kernels), stack_(stack), floats_(stack.floats()) {
  if (stack.sizes.empty()) return;
  const int widest = *std::max_element(stack.sizes.begin(), stack.sizes.end());
  for (auto& buffer : buffers_) buffer.resize(static_cast<std::size_t>(widest));
}

void SingleStack::run(const float* weights, const float* input, float* result) {
  for (std::size_t i = 0; i < stack_.layers(); ++i) {
    const std::size_t in = stack_.in(i);
    const std::size_t out = stack_.out(i);
    float* const output = i + 1 == stack_.layers() ? result : buffers_[i % 2].data();
    kernels_.apply_layer({.in = in,
                          .out = out,
                          .weights = weights,
                          .bias = weights + out * in,
                          .input = input,
                          .output = output});
    if (stack_.activates(i)) activate(i, weights, output);
    weights += stack_.floats(i);
    input = output;
  }
}

void SingleStack::activate(std::size_t layer, const float* weights, float* values) {
  const std::size_t out = stack_.out(layer);
  if (stack_.style.layer_norm) {
    const float* gain = weights + out * (stack_.in(layer) + 1);
    kernels_.normalise_rows({.rows = 1, .width = out, .gain = gain, .shift = gain + out, .values = values});
  }
  activate_in_place(kernels_, stack_.style.activation, values, out);
}

BatchStack::BatchStack(const DenseStack& stack, const DenseKernels& kernels)
    : kernels_(kernels), stack_(stack), floats_(stack.floats()), kept_(stack.layers()) {}

void BatchStack::forward(const float* weights, const float* input, std::size_t rows, float* output) {
  input_ = input;
  output_ = output;
  rows_ = rows;
  for (std::size_t i = 0; i < stack_.layers(); ++i) {
    const bool last = i + 1 == stack_.layers();
    if (!last) kept_[i].outputs.resize(rows * stack_.out(i));
    float* result = last ? output : kept_[i].outputs.data();
    linear(weights, i, result);
    if (stack_.activates(i)) activate(weights, i, result);
    weights += stack_.floats(i);
  }
}

void BatchStack::backward(const float* weights, const float* output_gradient, float* gradient,
                          float* input_gradient) {
  weights += floats_;
  if (gradient != nullptr) gradient += floats_;
  const float* delta = output_gradient;
  for (std::size_t i = stack_.layers(); i-- > 0;) {
    const std::size_t in = stack_.in(i);
    const std::size_t out = stack_.out(i);
    weights -= stack_.floats(i);
    if (gradient != nullptr) gradient -= stack_.floats(i);
    if (stack_.activates(i)) {
      std::vector<float>& own = deltas_[(i + 1) % 2];
      // Of the layers below the last it lies there already.
      if (delta == output_gradient) own.assign(delta, delta + rows_ * out);
      activate_backward(weights, i, own.data(), gradient);
      delta = own.data();
    }
    if (gradient != nullptr) {
      kernels_.multiply({.rows = out,
                         .columns = in,
                         .depth = rows_,
                         .a = delta,
                         .a_row = 1,
                         .a_depth = out,
                         .b = input_of(i),
                         .b_row = in,
                         .c = gradient});
      sum_rows(kernels_, delta, rows_, out, gradient + out * in);
    }
    if (i > 0) {
      std::vector<float>& below = deltas_[i % 2];
      below.resize(rows_ * in);
      propagate(weights, delta, i, below.data());
      delta = below.data();
    } else if (input_gradient != nullptr) {
      propagate(weights, delta, i, input_gradient);
    }
  }
}

/// Works on the transpose of the weights, [in, out], in which neighbouring outputs lie side by side. Fewer
/// outputs than the processor takes at once are filled up with zeros.
void BatchStack::linear(const float* weights, std::size_t layer, float* output) {
  const std::size_t in = stack_.in(layer);
  const std::size_t out = stack_.out(layer);
  const std::size_t width = std::max(out, kLeastWidth);
  transposed_.resize(in * width);
  if (width > out) std::fill(transposed_.begin(), transposed_.end(), 0.0f);
  transpose(weights, out, in, transposed_.data(), width);
  bias_.assign(width, 0.0f);
  std::copy_n(weights + out * in, out, bias_.data());
  if (width > out) wide_output_.resize(rows_ * width);
  kernels_.multiply({.rows = rows_,
                     .columns = width,
                     .depth = in,
                     .a = input_of(layer),
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

void BatchStack::activate(const float* weights, std::size_t layer, float* values) {
  const std::size_t out = stack_.out(layer);
  const std::size_t count = rows_ * out;
  Kept& kept = kept_[layer];
  if (stack_.style.layer_norm) {
    kept.normalised.resize(count);
    kept.scales.resize(rows_);
    const float* gain = weights + out * (stack_.in(layer) + 1);
    kernels_.normalise_rows({.rows = rows_,
                             .width = out,
                             .gain = gain,
                             .shift = gain + out,
                             .values = values,
                             .normalised = kept.normalised.data(),
                             .scales = kept.scales.data()});
  }
  // The derivatives of the others follow from their results.
  if (stack_.style.activation == Activation::kSilu) kept.sums.assign(values, values + count);
  activate_in_place(kernels_, stack_.style.activation, values, count);
}

/// From the derivative by a layer's outputs to that by its sums, before normalisation.
void BatchStack::activate_backward(const float* weights, std::size_t layer, float* delta, float* gradient) {
  const std::size_t out = stack_.out(layer);
  const std::size_t count = rows_ * out;
  const float* outputs = output_of(layer);
  switch (stack_.style.activation) {
    case Activation::kTanh:
      kernels_.tanh_backward(outputs, delta, count);
      break;
    case Activation::kRelu:
      for (std::size_t i = 0; i < count; ++i) delta[i] = outputs[i] <= 0 ? 0 : delta[i];
      break;
    case Activation::kSilu:
      kernels_.silu_backward(kept_[layer].sums.data(), delta, count);
      break;
  }
  if (!stack_.style.layer_norm) return;
  const std::size_t gain = out * (stack_.in(layer) + 1);
  if (gradient == nullptr) unwanted_.resize(2 * out);
  float* const gain_gradient = gradient == nullptr ? unwanted_.data() : gradient + gain;
  kernels_.normalise_rows_backward({.rows = rows_,
                                    .width = out,
                                    .gain = weights + gain,
                                    .normalised = kept_[layer].normalised.data(),
                                    .scales = kept_[layer].scales.data(),
                                    .delta = delta,
                                    .gain_gradient = gain_gradient,
                                    .shift_gradient = gain_gradient + out});
}

/// The derivative by a layer's input.
void BatchStack::propagate(const float* weights, const float* delta, std::size_t layer, float* below) const {
  const std::size_t in = stack_.in(layer);
  const std::size_t out = stack_.out(layer);
  kernels_.multiply({.rows = rows_,
                     .columns = in,
                     .depth = out,
                     .a = delta,
                     .a_row = out,
                     .a_depth = 1,
                     .b = weights,
                     .b_row = in,
                     .c = below});
}

}  // namespace genkidama
