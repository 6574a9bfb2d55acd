#pragma once

// A gated recurrent unit (Cho et al. 2014), as torch.nn.GRU computes it:
//   r = sigmoid(W_ir x + b_ir + W_hr h + b_hr)
//   z = sigmoid(W_iz x + b_iz + W_hz h + b_hz)
//   n = tanh(W_in x + b_in + r (W_hn h + b_hn))
//   h' = (1 - z) n + z h

#include <cstddef>
#include <span>
#include <vector>

#include "nn/dense_kernels.h"

namespace genkidama {

/// In the flat weights: W_i [3 units, in], W_h [3 units, units], b_i [3 units], b_h [3 units], each with the
/// rows of r, z and n in this order.
struct GruShape {
  std::size_t in = 0;
  std::size_t units = 0;  ///< 0: there is none

  std::size_t floats() const { return 3 * units * (in + units + 2); }
};

/// The parts of a GRU in the flat weights, or in their gradient.
template <typename Float>
struct GruTensors {
  GruTensors(const GruShape& shape, Float* at)
      : input(at),
        hidden(input + 3 * shape.units * shape.in),
        input_bias(hidden + 3 * shape.units * shape.units),
        hidden_bias(input_bias + 3 * shape.units) {}
  Float* input;
  Float* hidden;
  Float* input_bias;
  Float* hidden_bias;
};

/// One step of one episode.
class SingleGru {
 public:
  SingleGru(const GruShape& shape, const DenseKernels& kernels);

  /// `state` [units] becomes the one after `input` [in].
  void step(const float* weights, const float* input, float* state);

 private:
  const DenseKernels& kernels_;
  GruShape shape_;
  std::vector<float> by_input_;   ///< [3 units]
  std::vector<float> by_hidden_;  ///< [3 units]
};

/// Steps of many sequences in the order of time: first the first step of each, then the second of each that
/// has one, and so on. The longest sequence comes first.
struct PackedSteps {
  std::span<const std::size_t> sizes;  ///< sequences that have a first step, a second one, ...; never growing
  std::size_t rows = 0;                ///< all steps
};

/// Packed sequences through a GRU, and a loss' derivatives back through time.
class BatchGru {
 public:
  BatchGru(const GruShape& shape, const DenseKernels& kernels);

  /// `input` [rows, in], `first_states` [sequences, units], `output` [rows, units]: the state after each
  /// step. `input`, `output` and the sizes must stay until backward().
  void forward(const float* weights, const float* input, const PackedSteps& steps, const float* first_states,
               float* output);

  /// The state before each step of the latest forward(), [rows, units].
  std::span<const float> states_before() const { return before_; }

  /// `output_gradient` [rows, units] is the loss' derivative by the output of the latest forward().
  /// Overwrites the GRU's part of the gradient, and `input_gradient` [rows, in] unless it is null.
  void backward(const float* weights, const float* output_gradient, float* gradient, float* input_gradient);

 private:
  /// c [rows, 3 units] = a [rows, depth] times the transpose of matrix [3 units, depth], plus the bias.
  void gates(const float* matrix, std::size_t depth, const float* bias, const float* a, std::size_t rows,
             float* c);

  const DenseKernels& kernels_;
  GruShape shape_;
  const float* input_ = nullptr;
  PackedSteps steps_;
  std::vector<float> transposed_;  ///< of W_i
  std::vector<float> transposed_hidden_;
  std::vector<float> gates_;            ///< [rows, 3 units]: r, z and n
  std::vector<float> by_hidden_;        ///< [rows, 3 units]: W_h h + b_h
  std::vector<float> before_;           ///< [rows, units]
  std::vector<float> by_input_delta_;   ///< the loss' derivative by W_i x + b_i, [rows, 3 units]
  std::vector<float> by_hidden_delta_;  ///< that by W_h h + b_h
  std::vector<float> carried_;  ///< that by the state after a step, through later steps, [sequences, units]
  std::vector<float> through_;  ///< [sequences, units]
};

}  // namespace genkidama
