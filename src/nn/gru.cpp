#include "nn/gru.h"

#include <algorithm>

#include "nn/sum_rows.h"
#include "nn/transpose.h"

namespace genkidama {
namespace {

/// From the sums by input and by state to r, z and n in place of the former, and to the next state.
void apply_gates(const DenseKernels& kernels, std::size_t units, float* gates, const float* by_hidden,
                 const float* before, float* after) {
  for (std::size_t j = 0; j < 2 * units; ++j) gates[j] += by_hidden[j];
  kernels.sigmoid_in_place(gates, 2 * units);
  float* const n = gates + 2 * units;
  for (std::size_t j = 0; j < units; ++j) n[j] += gates[j] * by_hidden[2 * units + j];
  kernels.tanh_in_place(n, units);
  const float* const z = gates + units;
  for (std::size_t j = 0; j < units; ++j) after[j] = (1 - z[j]) * n[j] + z[j] * before[j];
}

}  // namespace

SingleGru::SingleGru(const GruShape& shape, const DenseKernels& kernels)
    : kernels_(kernels), shape_(shape), by_input_(3 * shape.units), by_hidden_(3 * shape.units) {}

void SingleGru::step(const float* weights, const float* input, float* state) {
  const GruTensors tensors(shape_, weights);
  kernels_.apply_layer({.in = shape_.in,
                        .out = 3 * shape_.units,
                        .weights = tensors.input,
                        .bias = tensors.input_bias,
                        .input = input,
                        .output = by_input_.data()});
  kernels_.apply_layer({.in = shape_.units,
                        .out = 3 * shape_.units,
                        .weights = tensors.hidden,
                        .bias = tensors.hidden_bias,
                        .input = state,
                        .output = by_hidden_.data()});
  apply_gates(kernels_, shape_.units, by_input_.data(), by_hidden_.data(), state, state);
}

BatchGru::BatchGru(const GruShape& shape, const DenseKernels& kernels) : kernels_(kernels), shape_(shape) {}

void BatchGru::gates(const float* matrix, std::size_t depth, const float* bias, const float* a,
                     std::size_t rows, float* c) {
  kernels_.multiply({.rows = rows,
                     .columns = 3 * shape_.units,
                     .depth = depth,
                     .a = a,
                     .a_row = depth,
                     .a_depth = 1,
                     .b = matrix,
                     .b_row = 3 * shape_.units,
                     .bias = bias,
                     .c = c});
}

void BatchGru::forward(const float* weights, const float* input, const PackedSteps& steps,
                       const float* first_states, float* output) {
  const std::size_t units = shape_.units;
  const GruTensors tensors(shape_, weights);
  input_ = input;
  steps_ = steps;
  gates_.resize(steps.rows * 3 * units);
  by_hidden_.resize(gates_.size());
  before_.resize(steps.rows * units);
  transposed_.resize(3 * units * shape_.in);
  transposed_hidden_.resize(3 * units * units);
  transpose(tensors.input, 3 * units, shape_.in, transposed_.data(), 3 * units);
  transpose(tensors.hidden, 3 * units, units, transposed_hidden_.data(), 3 * units);
  gates(transposed_.data(), shape_.in, tensors.input_bias, input, steps.rows, gates_.data());
  const float* state = first_states;
  std::size_t row = 0;
  for (const std::size_t size : steps.sizes) {
    std::copy_n(state, size * units, before_.data() + row * units);
    gates(transposed_hidden_.data(), units, tensors.hidden_bias, state, size,
          by_hidden_.data() + row * 3 * units);
    for (std::size_t i = row; i < row + size; ++i) {
      apply_gates(kernels_, units, gates_.data() + i * 3 * units, by_hidden_.data() + i * 3 * units,
                  before_.data() + i * units, output + i * units);
    }
    state = output + row * units;
    row += size;
  }
}

void BatchGru::backward(const float* weights, const float* output_gradient, float* gradient,
                        float* input_gradient) {
  const std::size_t units = shape_.units;
  const GruTensors tensors(shape_, weights);
  const GruTensors by_tensors(shape_, gradient);
  by_input_delta_.resize(gates_.size());
  by_hidden_delta_.resize(gates_.size());
  const std::size_t sequences = steps_.sizes.empty() ? 0 : steps_.sizes.front();
  carried_.assign(sequences * units, 0.0f);
  through_.resize(carried_.size());
  std::size_t row = steps_.rows;
  for (std::size_t t = steps_.sizes.size(); t-- > 0;) {
    const std::size_t size = steps_.sizes[t];
    row -= size;
    for (std::size_t s = 0; s < size; ++s) {
      const float* const r = gates_.data() + (row + s) * 3 * units;
      const float* const z = r + units;
      const float* const n = z + units;
      const float* const from_hidden = by_hidden_.data() + (row + s) * 3 * units + 2 * units;
      const float* const before = before_.data() + (row + s) * units;
      const float* const by_output = output_gradient + (row + s) * units;
      float* const carried = carried_.data() + s * units;
      float* const by_input = by_input_delta_.data() + (row + s) * 3 * units;
      float* const by_hidden = by_hidden_delta_.data() + (row + s) * 3 * units;
      for (std::size_t j = 0; j < units; ++j) {
        const float delta = by_output[j] + carried[j];
        const float by_n = delta * (1 - z[j]) * (1 - n[j] * n[j]);
        const float by_z = delta * (before[j] - n[j]) * z[j] * (1 - z[j]);
        const float by_r = by_n * from_hidden[j] * r[j] * (1 - r[j]);
        by_input[j] = by_hidden[j] = by_r;
        by_input[units + j] = by_hidden[units + j] = by_z;
        by_input[2 * units + j] = by_n;
        by_hidden[2 * units + j] = by_n * r[j];
        carried[j] = delta * z[j];
      }
    }
    kernels_.multiply({.rows = size,
                       .columns = units,
                       .depth = 3 * units,
                       .a = by_hidden_delta_.data() + row * 3 * units,
                       .a_row = 3 * units,
                       .a_depth = 1,
                       .b = tensors.hidden,
                       .b_row = units,
                       .c = through_.data()});
    for (std::size_t j = 0; j < size * units; ++j) carried_[j] += through_[j];
  }
  const auto by_matrix = [&](const std::vector<float>& delta, const float* rows, std::size_t width,
                             float* result) {
    kernels_.multiply({.rows = 3 * units,
                       .columns = width,
                       .depth = steps_.rows,
                       .a = delta.data(),
                       .a_row = 1,
                       .a_depth = 3 * units,
                       .b = rows,
                       .b_row = width,
                       .c = result});
  };
  by_matrix(by_input_delta_, input_, shape_.in, by_tensors.input);
  by_matrix(by_hidden_delta_, before_.data(), units, by_tensors.hidden);
  sum_rows(kernels_, by_input_delta_.data(), steps_.rows, 3 * units, by_tensors.input_bias);
  sum_rows(kernels_, by_hidden_delta_.data(), steps_.rows, 3 * units, by_tensors.hidden_bias);
  if (input_gradient == nullptr) return;
  kernels_.multiply({.rows = steps_.rows,
                     .columns = shape_.in,
                     .depth = 3 * units,
                     .a = by_input_delta_.data(),
                     .a_row = 3 * units,
                     .a_depth = 1,
                     .b = tensors.input,
                     .b_row = shape_.in,
                     .c = input_gradient});
}

}  // namespace genkidama
