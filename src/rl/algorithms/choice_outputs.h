#pragma once

// A DQN's outputs for a batch, and a loss' derivatives by them.

#include <cstddef>
#include <span>
#include <vector>

namespace genkidama {

/// Values of actions, or with a dueling network a value and advantages (Wang et al. 2016).
class ChoiceOutputs {
 public:
  ChoiceOutputs(std::size_t actions, bool dueling) : actions_(actions), dueling_(dueling) {}

  /// Makes room for `n` rows.
  void resize(std::size_t n) {
    outputs_.resize(n * actions_);
    values_.resize(dueling_ ? n : 0);
  }
  std::span<float> outputs() { return outputs_; }  ///< [n, actions]; the larger, the better the action
  std::span<float> values() { return values_; }    ///< [n] with a dueling network, otherwise empty
  std::span<const float> outputs_of(std::size_t row) const {
    return std::span(outputs_).subspan(row * actions_, actions_);
  }

  /// V + A - mean(A), or the output itself.
  float value_of(std::size_t row, std::size_t action) const {
    const auto outputs = outputs_of(row);
    if (!dueling_) return outputs[action];
    float mean = 0;
    for (const float advantage : outputs) mean += advantage / static_cast<float>(actions_);
    return values_[row] + outputs[action] - mean;
  }

  /// Begins with derivatives of 0.
  void clear_derivatives() {
    by_outputs_.assign(outputs_.size(), 0.0f);
    by_values_.assign(values_.size(), 0.0f);
  }
  /// From the loss' derivative by an action's value to those by the outputs.
  void take_back(std::size_t row, std::size_t action, float by_value) {
    const auto by_outputs = std::span(by_outputs_).subspan(row * actions_, actions_);
    by_outputs[action] += by_value;
    if (!dueling_) return;
    by_values_[row] = by_value;
    for (float& by_output : by_outputs) by_output -= by_value / static_cast<float>(actions_);
  }
  std::span<const float> by_outputs() const { return by_outputs_; }
  std::span<const float> by_values() const { return by_values_; }

 private:
  std::size_t actions_;
  bool dueling_;
  std::vector<float> outputs_, values_;
  std::vector<float> by_outputs_, by_values_;
};

}  // namespace genkidama
