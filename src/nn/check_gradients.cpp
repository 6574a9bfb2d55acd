#include "genkidama/nn/check_gradients.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/core/random.h"

namespace genkidama {
namespace {

/// How far from the first weights the network is tried: a layer that starts at zero hides what lies behind
/// it.
constexpr double kWeightNoise = 0.05;
/// What two ways of computing the same in float32 may differ by, relative to the value or to 1.
constexpr double kSameAnswer = 1e-4;
/// A tensor's derivatives are compared to the largest one of all tensors where its own are smaller than this
/// part.
constexpr double kSmallestScale = 1e-3;

using Floats = std::vector<float>;

bool is_same(float a, float b) {
  return std::abs(static_cast<double>(a) - b) <=
         kSameAnswer * std::max(1.0, std::abs(static_cast<double>(b)));
}

bool is_same(std::span<const float> a, std::span<const float> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) { return is_same(x, y); });
}

bool all_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return is_finite(value); });
}

Floats normal(std::size_t count, Random& random) {
  Floats values(count);
  for (float& value : values) value = static_cast<float>(random.normal());
  return values;
}

/// What a network answers to a batch.
struct Outputs {
  Floats logits;
  Floats values;
  Floats critics;  ///< [critics, n]
};

class GradientCheck {
 public:
  GradientCheck(Network& network, const NetworkSpec& spec, const GradientCheckOptions& options)
      : network_(network),
        options_(options),
        observation_size_(static_cast<std::size_t>(spec.observation_size())),
        output_count_(static_cast<std::size_t>(spec.policy)),
        value_count_(static_cast<std::size_t>(spec.values)),
        critic_count_(static_cast<std::size_t>(spec.critics)),
        action_size_(static_cast<std::size_t>(spec.critic_actions)),
        state_size_(network.state_size()),
        random_(options.seed) {}

  GradientReport run() {
    try {
      if (prepare()) {
        // The same in all that follows, so that its deviations have derivatives.
        if (WeightNoise* const noise = network_.noise()) noise->draw(random_);
        check_answers();
        check_policy();
        if (report_.problems.empty()) check_tensors();
        if (report_.problems.empty() && critic_function_) check_actions();
      }
    } catch (const std::exception& error) {
      problem("a function of the network threw an exception: {}", error.what());
    }
    if (WeightNoise* const noise = network_.noise()) noise->clear();
    return std::move(report_);
  }

 private:
  template <typename... Args>
  void problem(fmt::format_string<Args...> format, Args&&... args) {
    report_.problems.push_back(fmt::format(format, std::forward<Args>(args)...));
  }

  bool prepare() {
    weights_ = network_.first_weights();
    if (weights_.size() != network_.layout().size() || weights_.empty()) {
      problem("first_weights() gave {} weights, and layout() has {}; expected the same number, at least 1",
              weights_.size(), network_.layout().size());
      return false;
    }
    if (!all_finite(weights_)) {
      problem("first_weights() holds values that are not finite");
      return false;
    }
    if (!make_functions()) return false;
    for (float& weight : weights_) weight += static_cast<float>(kWeightNoise * random_.normal());
    observations_ = normal(options_.batch * observation_size_, random_);
    by_logits_ = normal(options_.batch * output_count_, random_);
    by_values_ = normal(options_.batch * value_count_, random_);
    actions_ = normal(options_.batch * action_size_, random_);
    by_critics_ = normal(options_.batch * critic_count_, random_);
    if (state_size_ > 0) {
      split_into_sequences();
      first_states_ = normal(lengths_.size() * state_size_, random_);
    }
    return true;
  }

  bool make_functions() {
    if (critic_count_ > 0) {
      critic_function_ = network_.make_critic_function();
      if (!critic_function_) {
        problem("make_critic_function() returned nullptr; expected a function of {} critics", critic_count_);
        return false;
      }
    }
    if (state_size_ > 0) {
      sequence_function_ = network_.make_sequence_gradient_function();
      recurrent_policy_ = network_.make_recurrent_policy_function();
      if (sequence_function_ && recurrent_policy_) return true;
      problem(
          "make_sequence_gradient_function() or make_recurrent_policy_function() returned nullptr; expected "
          "both of a network that carries {} floats of state",
          state_size_);
      return false;
    }
    gradient_function_ = network_.make_gradient_function();
    policy_ = network_.make_policy_function();
    if (gradient_function_ && policy_) return true;
    problem("make_gradient_function() or make_policy_function() returned nullptr");
    return false;
  }

  /// The batch's observations as sequences of 1, 2, 3, ... steps, and then of what is left.
  void split_into_sequences() {
    for (std::size_t left = options_.batch, length = 1; left > 0; ++length) {
      lengths_.push_back(std::min(length, left));
      left -= lengths_.back();
    }
  }

  std::span<const float> observation(std::size_t i) const {
    return std::span(observations_).subspan(i * observation_size_, observation_size_);
  }
  std::span<const float> action(std::size_t i) const {
    return std::span(actions_).subspan(i * action_size_, action_size_);
  }
  std::span<const float> logits_of(const Outputs& outputs, std::size_t i) const {
    return std::span(outputs.logits).subspan(i * output_count_, output_count_);
  }
  std::span<const float> values_of(const Outputs& outputs, std::size_t i) const {
    return std::span(outputs.values).subspan(i * value_count_, value_count_);
  }
  Floats critics_of(const Outputs& outputs, std::size_t i) const {
    Floats values;
    for (std::size_t k = 0; k < critic_count_; ++k) {
      values.push_back(outputs.critics[k * options_.batch + i]);
    }
    return values;
  }

  /// What is not filled in stays NaN.
  Outputs forward(std::span<const float> observations) { return forward(observations, actions_); }
  Outputs forward(std::span<const float> observations, std::span<const float> actions) {
    const std::size_t n = observations.size() / observation_size_;
    constexpr float kUnset = std::numeric_limits<float>::quiet_NaN();
    Outputs outputs{Floats(n * output_count_, kUnset), Floats(n * value_count_, kUnset),
                    Floats(n * critic_count_, kUnset)};
    if (critic_function_) critic_function_->forward(weights_, observations, actions, outputs.critics);
    if (sequence_function_) {
      sequence_function_->forward(weights_, {observations, lengths_, first_states_}, outputs.logits,
                                  outputs.values);
    } else {
      gradient_function_->forward(weights_, observations, outputs.logits, outputs.values);
    }
    return outputs;
  }

  void backward_of_latest(std::span<float> gradient) {
    if (sequence_function_) {
      sequence_function_->backward(weights_, by_logits_, by_values_, gradient);
    } else {
      gradient_function_->backward(weights_, by_logits_, by_values_, gradient);
    }
    if (critic_function_) critic_function_->backward(weights_, by_critics_, gradient);
  }

  /// Calls `with` with the number of each sequence and that of its first step.
  template <typename With>
  void for_sequences(With with) const {
    for (std::size_t i = 0, start = 0; i < lengths_.size(); start += lengths_[i++]) with(i, start);
  }
  std::span<const float> first_state(std::size_t sequence) const {
    return std::span(first_states_).subspan(sequence * state_size_, state_size_);
  }

  void check_answers() {
    answer_ = forward(observations_);
    if (!all_finite(answer_.logits) || !all_finite(answer_.values) || !all_finite(answer_.critics)) {
      problem("forward() gave values that are not finite, or did not fill in all of them");
      return;
    }
    const Outputs again = forward(observations_);
    if (!is_same(again.logits, answer_.logits) || !is_same(again.values, answer_.values) ||
        !is_same(again.critics, answer_.critics)) {
      problem(
          "forward() gave another answer to the same observations the second time; expected it to follow "
          "from "
          "weights and observations alone");
      return;
    }
    if (sequence_function_) return check_sequences_alone();
    for (std::size_t i = 0; i < options_.batch; ++i) {
      const Outputs alone = forward(observation(i), action(i));
      if (!is_same(alone.logits, logits_of(answer_, i)) || !is_same(alone.values, values_of(answer_, i)) ||
          !is_same(alone.critics, critics_of(answer_, i))) {
        problem(
            "forward() gave another answer to an observation alone than in a batch of {}; expected the "
            "observations of a batch not to influence one another",
            options_.batch);
        return;
      }
    }
  }

  void check_sequences_alone() {
    constexpr float kUnset = std::numeric_limits<float>::quiet_NaN();
    for_sequences([&](std::size_t sequence, std::size_t start) {
      const std::size_t n = lengths_[sequence];
      Outputs alone{Floats(n * output_count_, kUnset), Floats(n * value_count_, kUnset), {}};
      const auto observations =
          std::span<const float>(observations_).subspan(start * observation_size_, n * observation_size_);
      sequence_function_->forward(weights_, {observations, {&n, 1}, first_state(sequence)}, alone.logits,
                                  alone.values);
      const auto expected_logits =
          std::span(answer_.logits).subspan(start * output_count_, n * output_count_);
      const auto expected_values = std::span(answer_.values).subspan(start * value_count_, n * value_count_);
      if (is_same(alone.logits, expected_logits) && is_same(alone.values, expected_values)) return;
      if (!report_.problems.empty()) return;
      problem(
          "forward() gave another answer to a sequence alone than beside others; expected the sequences of a "
          "batch not to influence one another");
    });
  }

  /// What is computed in one call is what is played step by step.
  void check_recurrent_policy() {
    Floats outputs(output_count_);
    for_sequences([&](std::size_t sequence, std::size_t start) {
      Floats state(first_state(sequence).begin(), first_state(sequence).end());
      for (std::size_t i = start; i < start + lengths_[sequence] && report_.problems.empty(); ++i) {
        if (value_count_ == 1 &&
            !is_same(recurrent_policy_->value(weights_, observation(i), state), answer_.values[i])) {
          problem(
              "RecurrentPolicyFunction::value() gave another value than SequenceGradientFunction::forward()");
          return;
        }
        recurrent_policy_->step(weights_, observation(i), 1, state, outputs);
        if (!is_same(outputs, logits_of(answer_, i))) {
          problem(
              "RecurrentPolicyFunction::step() gave other outputs, step by step, than "
              "SequenceGradientFunction::forward() gave to the sequence");
          return;
        }
      }
    });
    if (!report_.problems.empty()) return;
    // The first steps of all sequences at once.
    Floats states = first_states_, observations, batch(lengths_.size() * output_count_), expected;
    for_sequences([&](std::size_t, std::size_t start) {
      observations.insert(observations.end(), observation(start).begin(), observation(start).end());
      const auto logits = logits_of(answer_, start);
      expected.insert(expected.end(), logits.begin(), logits.end());
    });
    recurrent_policy_->step(weights_, observations, lengths_.size(), states, batch);
    if (!is_same(batch, expected)) {
      problem("RecurrentPolicyFunction::step() gave other outputs to several episodes than to each alone");
    }
  }

  void check_policy() {
    if (!report_.problems.empty()) return;
    if (recurrent_policy_) return check_recurrent_policy();
    Floats logits(output_count_), batch(options_.batch * output_count_);
    for (std::size_t i = 0; i < options_.batch; ++i) {
      policy_->logits(weights_, observation(i), logits);
      if (!is_same(logits, logits_of(answer_, i))) {
        problem("PolicyFunction::logits() gave other logits than GradientFunction::forward()");
        return;
      }
      if (value_count_ == 1 && !is_same(policy_->value(weights_, observation(i)), answer_.values[i])) {
        problem("PolicyFunction::value() gave another value than GradientFunction::forward()");
        return;
      }
    }
    policy_->logits_of_batch(weights_, observations_, options_.batch, batch);
    if (!is_same(batch, answer_.logits)) {
      problem("PolicyFunction::logits_of_batch() gave other logits than GradientFunction::forward()");
    }
  }

  Floats backward(float filled_with) {
    Floats gradient(weights_.size(), filled_with);
    forward(observations_);
    backward_of_latest(gradient);
    return gradient;
  }

  double loss() {
    const Outputs outputs = forward(observations_);
    double sum = 0;
    for (std::size_t i = 0; i < outputs.logits.size(); ++i) {
      sum += static_cast<double>(outputs.logits[i]) * by_logits_[i];
    }
    for (std::size_t i = 0; i < outputs.values.size(); ++i) {
      sum += static_cast<double>(outputs.values[i]) * by_values_[i];
    }
    for (std::size_t i = 0; i < outputs.critics.size(); ++i) {
      sum += static_cast<double>(outputs.critics[i]) * by_critics_[i];
    }
    return sum;
  }

  /// Differences of the loss by a weight.
  struct Differences {
    double left, central, right;
  };
  Differences differences(float& weight, double step) {
    const float at = weight;
    weight = static_cast<float>(at + step);
    const double high = weight, loss_high = loss();
    weight = static_cast<float>(at - step);
    const double low = weight, loss_low = loss();
    weight = at;
    return {(loss_here_ - loss_low) / (at - low), (loss_high - loss_low) / (high - low),
            (loss_high - loss_here_) / (high - at)};
  }

  void check_tensors() {
    const Floats gradient = backward(0);
    const Floats overwritten = backward(std::numeric_limits<float>::quiet_NaN());
    if (!all_finite(overwritten) || !is_same(overwritten, gradient)) {
      problem(
          "backward() left some of what was in the gradient before, or gave values that are not finite; "
          "expected "
          "it to overwrite every element");
      return;
    }
    loss_here_ = loss();
    double largest = 0;
    for (const float g : gradient) largest = std::max(largest, std::abs(static_cast<double>(g)));
    for (const TensorInfo& tensor : network_.layout().tensors()) {
      report_.tensors.push_back(check_tensor(tensor, gradient, kSmallestScale * largest));
    }
  }

  struct Element {
    std::size_t index;
    double expected, got, error;
  };

  TensorGradient check_tensor(const TensorInfo& tensor, const Floats& gradient, double smallest_scale) {
    std::vector<Element> elements;
    for (const std::size_t index : elements_of(tensor)) {
      elements.push_back(compare(index, weights_[tensor.offset + index], gradient[tensor.offset + index]));
    }
    return summary(tensor.name, elements, smallest_scale);
  }

  /// Reported as if the actions were a tensor behind the weights.
  void check_actions() {
    forward(observations_);
    Floats by_actions(actions_.size(), std::numeric_limits<float>::quiet_NaN());
    critic_function_->backward_to_actions(weights_, by_critics_, by_actions);
    std::vector<Element> elements;
    for (std::size_t i = 0; i < actions_.size(); ++i)
      elements.push_back(compare(i, actions_[i], by_actions[i]));
    report_.tensors.push_back(summary("actions of the critics", elements, 0));
  }

  /// The derivative `got` by `weight`, beside differences of the loss. Where the two are apart, several kinks
  /// may lie within the step, and a smaller one decides.
  Element compare(std::size_t index, float& weight, double got) {
    constexpr double kSmaller = 4;
    const Element wide = compare(index, weight, got, options_.step);
    if (wide.error <= options_.tolerance * std::abs(wide.expected)) return wide;
    const Element narrow = compare(index, weight, got, options_.step / kSmaller);
    return narrow.error < wide.error ? narrow : wide;
  }
  Element compare(std::size_t index, float& weight, double got, double step) {
    const Differences whole = differences(weight, step), half = differences(weight, step / 2);
    // Richardson's extrapolation: what is left of a smooth function's third derivative goes, and of its
    // second derivative in the one-sided differences, which then differ only at a kink.
    const double expected = (4 * half.central - whole.central) / 3;
    const double left = 2 * half.left - whole.left, right = 2 * half.right - whole.right;
    const auto [lowest, highest] = std::minmax({left, expected, right});
    const double outside = std::max({0.0, lowest - got, got - highest});
    const double error = std::max(0.0, outside - 2 * std::abs(whole.central - half.central));
    return {index, expected, got, std::isnan(got) ? std::numeric_limits<double>::infinity() : error};
  }

  TensorGradient summary(const std::string& name, const std::vector<Element>& elements, double scale) {
    for (const Element& element : elements) {
      scale = std::max({scale, std::abs(element.expected), std::abs(element.got)});
    }
    const auto worst =
        *std::max_element(elements.begin(), elements.end(),
                          [](const Element& a, const Element& b) { return a.error < b.error; });
    const double error = scale > 0 ? worst.error / scale : 0;
    return {
        name, elements.size(), error, worst.index, worst.expected, worst.got, error <= options_.tolerance};
  }

  /// All of a small tensor, else as many as the options say, without repetition.
  std::vector<std::size_t> elements_of(const TensorInfo& tensor) {
    std::vector<std::size_t> elements;
    if (tensor.count <= options_.elements_per_tensor) {
      elements.resize(tensor.count);
      std::iota(elements.begin(), elements.end(), std::size_t{0});
      return elements;
    }
    while (elements.size() < options_.elements_per_tensor) {
      const std::size_t element = random_.below(tensor.count);
      if (std::find(elements.begin(), elements.end(), element) == elements.end()) elements.push_back(element);
    }
    return elements;
  }

  Network& network_;
  const GradientCheckOptions& options_;
  std::size_t observation_size_;
  std::size_t output_count_;
  std::size_t value_count_;
  std::size_t critic_count_;
  std::size_t action_size_;
  std::size_t state_size_;
  Random random_;
  GradientReport report_;
  std::unique_ptr<GradientFunction> gradient_function_;
  std::unique_ptr<PolicyFunction> policy_;
  std::unique_ptr<CriticFunction> critic_function_;  ///< null without critics
  // Of a network with memory, in their place.
  std::unique_ptr<SequenceGradientFunction> sequence_function_;
  std::unique_ptr<RecurrentPolicyFunction> recurrent_policy_;
  std::vector<std::size_t> lengths_;
  Floats first_states_;
  Floats weights_, observations_, by_logits_, by_values_;
  Floats actions_, by_critics_;
  Outputs answer_;
  double loss_here_ = 0;  ///< with the weights as they are
};

void check_options(const GradientCheckOptions& options) {
  if (options.batch < 1) throw ArgumentError("GradientCheckOptions::batch is 0; expected at least 1");
  if (options.elements_per_tensor < 1) {
    throw ArgumentError("GradientCheckOptions::elements_per_tensor is 0; expected at least 1");
  }
  for (const auto& [field, value] :
       {std::pair("step", options.step), std::pair("tolerance", options.tolerance)}) {
    if (!is_finite(value) || value <= 0) {
      throw ArgumentError(
          fmt::format("GradientCheckOptions::{} is {}; expected a number above 0", field, value));
    }
  }
}

}  // namespace

bool GradientReport::ok() const {
  return problems.empty() &&
         std::all_of(tensors.begin(), tensors.end(), [](const auto& tensor) { return tensor.ok; });
}

GradientReport check_gradients(Network& network, const NetworkSpec& spec,
                               const GradientCheckOptions& options) {
  check_options(options);
  return GradientCheck(network, spec, options).run();
}

std::string to_text(const GradientReport& report) {
  std::string text;
  for (const TensorGradient& tensor : report.tensors) {
    text += fmt::format("{} {:24} {:4} elements, error {:.1e}", tensor.ok ? "right  " : "error  ",
                        tensor.name, tensor.tried, tensor.error);
    if (!tensor.ok) {
      text += fmt::format("; by element {} the derivative is {:.6g}, and backward() gave {:.6g}",
                          tensor.element, tensor.expected, tensor.got);
    }
    text += '\n';
  }
  for (const std::string& problem : report.problems) text += fmt::format("error   {}\n", problem);
  return text;
}

}  // namespace genkidama
