#pragma once

// Dense layers in a row: for one observation while a worker plays, and for a batch with its gradient.

#include <cstddef>
#include <vector>

#include "genkidama/nn/networks.h"
#include "nn/dense_kernels.h"

namespace genkidama {

/// What lies between two layers of a bundled network.
struct LayerStyle {
  Activation activation = Activation::kTanh;
  bool layer_norm = false;  ///< before the activation
};

/// The layers' sizes and how they end. In the flat weights each layer is its weight [out, in] and its bias
/// [out]; a layer that is activated and normalised has its gain [out] and its shift [out] behind them.
struct DenseStack {
  std::vector<int> sizes;       ///< of the input and of each layer's output; fewer than two: no layers
  bool activates_last = false;  ///< false: the last layer is linear
  LayerStyle style = {};

  std::size_t layers() const { return sizes.size() < 2 ? 0 : sizes.size() - 1; }
  bool activates(std::size_t layer) const { return activates_last || layer + 1 < layers(); }
  bool normalises(std::size_t layer) const { return style.layer_norm && activates(layer); }
  std::size_t in(std::size_t layer) const { return static_cast<std::size_t>(sizes[layer]); }
  std::size_t out(std::size_t layer) const { return static_cast<std::size_t>(sizes[layer + 1]); }
  /// Floats of one layer in the flat weights, and of all of them.
  std::size_t floats(std::size_t layer) const {
    return out(layer) * (in(layer) + 1) + (normalises(layer) ? 2 * out(layer) : 0);
  }
  std::size_t floats() const;
};

/// One observation through a stack.
class SingleStack {
 public:
  SingleStack(const DenseStack& stack, const DenseKernels& kernels);

  /// Floats of the stack in the flat weights.
  std::size_t floats() const { return floats_; }
  /// `result` takes as many floats as the last layer gives.
  void run(const float* weights, const float* input, float* result);

 private:
  void activate(std::size_t layer, const float* weights, float* values);

  const DenseKernels& kernels_;
  DenseStack stack_;
  std::size_t floats_;
  std::vector<float> buffers_[2];  ///< read from one, written to the other
};

/// A batch through a stack, and a loss' derivatives back through it.
class BatchStack {
 public:
  BatchStack(const DenseStack& stack, const DenseKernels& kernels);

  /// Floats of the stack in the flat weights.
  std::size_t floats() const { return floats_; }

  /// `input` [rows, first size] and `output` [rows, last size] must stay until backward().
  void forward(const float* weights, const float* input, std::size_t rows, float* output);

  /// `output_gradient` [rows, last size] is the loss' derivative by the output of the latest forward().
  /// Overwrites the stack's part of the gradient unless that is null, and `input_gradient` [rows, first size]
  /// unless it is null.
  void backward(const float* weights, const float* output_gradient, float* gradient,
                float* input_gradient = nullptr);

  /// The same for the input alone: no gradient is computed.
  void backward_to_input(const float* weights, const float* output_gradient, float* input_gradient) {
    backward(weights, output_gradient, nullptr, input_gradient);
  }

 private:
  /// What forward() keeps of a layer.
  struct Kept {
    std::vector<float> outputs;     ///< [rows, out], of each layer but the last
    std::vector<float> sums;        ///< [rows, out], what SiLU was applied to
    std::vector<float> normalised;  ///< [rows, out]
    std::vector<float> scales;      ///< [rows]
  };

  const float* input_of(std::size_t layer) const {
    return layer == 0 ? input_ : kept_[layer - 1].outputs.data();
  }
  const float* output_of(std::size_t layer) const {
    return layer + 1 == stack_.layers() ? output_ : kept_[layer].outputs.data();
  }
  void linear(const float* weights, std::size_t layer, float* output);
  void activate(const float* weights, std::size_t layer, float* values);
  void activate_backward(const float* weights, std::size_t layer, float* delta, float* gradient);
  void propagate(const float* weights, const float* delta, std::size_t layer, float* below) const;

  const DenseKernels& kernels_;
  DenseStack stack_;
  std::size_t floats_;
  const float* input_ = nullptr;
  const float* output_ = nullptr;
  std::size_t rows_ = 0;
  std::vector<Kept> kept_;
  std::vector<float> transposed_;
  std::vector<float> bias_;
  std::vector<float> wide_output_;
  std::vector<float> unwanted_;   ///< derivatives by a layer's gain and shift that nobody asked for
  std::vector<float> deltas_[2];  ///< read from one, written to the other
};

}  // namespace genkidama
