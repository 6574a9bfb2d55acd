// PPO: several epochs of minibatches over all of a round's steps, each an update of the shared weights.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "genkidama/rl/actor_critic_pass.h"
#include "genkidama/rl/algorithms.h"
#include "genkidama/rl/returns.h"
#include "genkidama/rl/segment_returns.h"
#include "genkidama/rl/vtrace.h"
#include "rl/algorithms/actor_critic_algorithm.h"

namespace genkidama {
namespace {

/// To mean 0 and deviation 1 (with n - 1, as LibTorch's std()).
void normalise(std::vector<float>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const float value : values) squares += (value - mean) * (value - mean);
  const double scale = 1 / (std::sqrt(squares / (n - 1)) + 1e-8);
  for (float& value : values) value = static_cast<float>((value - mean) * scale);
}

/// The same for V-trace's advantages, each of which is its step's weight times another advantage: those
/// become of mean 0 and deviation 1, where a step counts by its weight. Steps that the policy would hardly
/// take any more thus stay without effect, which they would not if the products themselves were shifted and
/// scaled.
void normalise_weighted(std::vector<float>& values, const std::vector<float>& weights) {
  const auto n = static_cast<double>(values.size());
  const double weight = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (!(weight > 0)) return;
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / weight;
  double squares = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double from_mean = values[i] - mean * weights[i];
    if (weights[i] > 0) squares += from_mean * from_mean / weights[i];
  }
  const double scale = 1 / (std::sqrt(squares / weight * n / (n - 1)) + 1e-8);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>((values[i] - mean * weights[i]) * scale);
  }
}

/// Steps in columns, all of one round or of one minibatch.
struct Steps {
  std::vector<float> observations;  ///< [n, observation size]
  std::vector<float> actions;       ///< [n, action width]
  std::vector<std::uint8_t> masks;  ///< [n, alternatives], or empty
  std::vector<float> log_probabilities;
  std::vector<float> advantages;
  std::vector<float> returns;
  std::vector<float> values;   ///< when the steps were collected; empty unless values are clipped
  std::vector<float> weights;  ///< of V-trace, up to rho; empty without it
  // Of a network with memory, which learns from sequences of these steps, one behind the other.
  std::vector<std::size_t> lengths;
  std::vector<float> first_states;  ///< [sequences, state size]

  std::size_t size() const { return returns.size(); }

  void clear() {
    observations.clear();
    actions.clear();
    masks.clear();
    log_probabilities.clear();
    advantages.clear();
    returns.clear();
    values.clear();
    weights.clear();
    lengths.clear();
    first_states.clear();
  }

  /// Replaces all steps by the given rows of others.
  void gather(const Steps& from, std::span<const std::size_t> rows) {
    lengths.clear();
    first_states.clear();
    gather(from.observations, from.observations.size() / from.size(), rows, observations);
    gather(from.actions, from.actions.size() / from.size(), rows, actions);
    gather(from.masks, from.masks.size() / from.size(), rows, masks);
    gather(from.log_probabilities, 1, rows, log_probabilities);
    gather(from.advantages, 1, rows, advantages);
    gather(from.returns, 1, rows, returns);
    gather(from.values, from.values.empty() ? 0 : 1, rows, values);
    gather(from.weights, from.weights.empty() ? 0 : 1, rows, weights);
  }

 private:
  template <typename T>
  static void gather(const std::vector<T>& from, std::size_t width, std::span<const std::size_t> rows,
                     std::vector<T>& into) {
    into.resize(rows.size() * width);
    if (width == 1) {
      for (std::size_t i = 0; i < rows.size(); ++i) into[i] = from[rows[i]];
    } else if (width > 1) {
      for (std::size_t i = 0; i < rows.size(); ++i) {
        std::copy_n(from.data() + rows[i] * width, width, into.data() + i * width);
      }
    }
  }
};

class PpoLearner final : public Learner {
 public:
  PpoLearner(const Hyperparameters& hyperparameters, const LearnerContext& context)
      : hyperparameters_(hyperparameters),
        network_(context.network),
        sink_(context.sink),
        pass_(hyperparameters, context.network,
              action_distribution(context.environment.action_space, hyperparameters)) {}

  /// Whole episodes unless unroll says otherwise: nothing is learned, and so nothing pulled, before the
  /// round's end.
  std::size_t segment_steps() const override {
    return hyperparameters_.unroll > 0 ? static_cast<std::size_t>(hyperparameters_.unroll) : SIZE_MAX;
  }

  /// Keeps the segment with its GAE advantages and the probabilities its actions had when they were chosen.
  void learn_segment(const Segment& segment) override {
    const std::size_t n = segment.size();
    states_.resize(n * network_.state_size());
    pass_.evaluate(segment, states_);
    const auto values = pass_.values();
    const float bootstrap = bootstrap_value(segment, hyperparameters_, network_, values);
    scale_rewards(segment, hyperparameters_, rewards_);

    const std::size_t start = round_.size();
    const auto append = [](const auto& from, auto& to) { to.insert(to.end(), from.begin(), from.end()); };
    append(segment.observations, round_.observations);
    append(segment.actions, round_.actions);
    append(segment.masks, round_.masks);
    // Not the behaviour's own, which may have explored: the ratio compares policies.
    append(pass_.log_probabilities(), round_.log_probabilities);
    if (hyperparameters_.value_clip_range > 0) append(values, round_.values);
    round_.advantages.resize(start + n);
    const auto advantages = std::span(round_.advantages).subspan(start);
    if (hyperparameters_.vtrace) {
      round_.returns.resize(start + n);
      correct(segment, bootstrap, std::span(round_.returns).subspan(start), advantages);
    } else {
      generalised_advantages(rewards_, values, bootstrap, hyperparameters_.gamma, hyperparameters_.gae_lambda,
                             advantages);
      for (std::size_t t = 0; t < n; ++t) round_.returns.push_back(advantages[t] + values[t]);
    }
    if (network_.state_size() > 0) cut_into_sequences(n);
  }

  void learn_round(Random& random) override {
    const std::size_t n = round_.size();
    if (n == 0) return;  // the round was cut before the first step
    // What minibatches are drawn from: steps, or sequences of a network with memory.
    const std::size_t count = network_.state_size() > 0 ? round_.lengths.size() : n;
    starts_.resize(round_.lengths.size());
    std::exclusive_scan(round_.lengths.begin(), round_.lengths.end(), starts_.begin(), std::size_t{0});
    order_.resize(count);
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    for (int epoch = 0; epoch < hyperparameters_.epochs && !sink_.out_of_time(); ++epoch) {
      if (!learn_epoch(random)) break;
    }
    round_.clear();
  }

 private:
  /// V-trace of the segment that the pass has evaluated.
  void correct(const Segment& segment, float bootstrap, std::span<float> targets,
               std::span<float> advantages) {
    log_ratios_.resize(segment.size());
    for (std::size_t t = 0; t < segment.size(); ++t) {
      log_ratios_[t] = pass_.log_probabilities()[t] - segment.log_probabilities[t];
    }
    const VtraceOptions options{hyperparameters_.gamma, hyperparameters_.gae_lambda,
                                hyperparameters_.vtrace_rho, hyperparameters_.vtrace_c};
    vtrace(rewards_, pass_.values(), log_ratios_, bootstrap, options, targets, advantages);
    for (const float log_ratio : log_ratios_) {
      round_.weights.push_back(static_cast<float>(std::min(options.rho, std::exp(double{log_ratio}))));
    }
  }

  /// Whether the policy may move further from the one that collected the steps.
  bool learn_epoch(Random& random) {
    const std::size_t count = order_.size();
    // Fisher and Yates by hand: std::shuffle differs between standard libraries.
    for (std::size_t i = count; i > 1; --i)
      std::swap(order_[i - 1], order_[static_cast<std::size_t>(random.below(i))]);
    for (std::size_t begin = 0; begin < count && !sink_.out_of_time();) {
      begin = gather_minibatch(begin);
      const LearningStatistics statistics = compute(minibatch_);
      if (hyperparameters_.target_kl > 0 && statistics.approximate_kl > hyperparameters_.target_kl)
        return false;
      sink_.apply(network_.gradient(), statistics);
      sink_.pull(network_.weights());
    }
    return true;
  }

  /// The latest `n` steps of the round, an episode's, become sequences of about the same length.
  void cut_into_sequences(std::size_t n) {
    const auto longest = static_cast<std::size_t>(hyperparameters_.sequence_length);
    const std::size_t count = (n + longest - 1) / longest;
    const std::size_t state_size = network_.state_size();
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t first = i * n / count;
      round_.lengths.push_back((i + 1) * n / count - first);
      const auto state = std::span(states_).subspan(first * state_size, state_size);
      round_.first_states.insert(round_.first_states.end(), state.begin(), state.end());
    }
  }

  /// Fills the minibatch with what stands in the order from `begin` on, and returns where the next one
  /// begins. Sequences are taken until they have minibatch_size steps.
  std::size_t gather_minibatch(std::size_t begin) {
    const auto size = static_cast<std::size_t>(hyperparameters_.minibatch_size);
    const std::size_t state_size = network_.state_size();
    if (state_size == 0) {
      const std::size_t count = std::min(size, order_.size() - begin);
      minibatch_.gather(round_, std::span(order_).subspan(begin, count));
      return begin + count;
    }
    rows_.clear();
    std::size_t end = begin;
    for (; end < order_.size() && rows_.size() < size; ++end) {
      const std::size_t start = starts_[order_[end]], length = round_.lengths[order_[end]];
      for (std::size_t t = 0; t < length; ++t) rows_.push_back(start + t);
    }
    minibatch_.gather(round_, rows_);
    for (const std::size_t sequence : std::span(order_).subspan(begin, end - begin)) {
      minibatch_.lengths.push_back(round_.lengths[sequence]);
      const auto state = std::span(round_.first_states).subspan(sequence * state_size, state_size);
      minibatch_.first_states.insert(minibatch_.first_states.end(), state.begin(), state.end());
    }
    return end;
  }

  /// Of log(pi + log_epsilon) by log(pi).
  float derivative_of_log(float log_probability) const {
    const double probability = std::exp(static_cast<double>(log_probability));
    return static_cast<float>(probability / (probability + hyperparameters_.log_epsilon));
  }

  LearningStatistics compute(Steps& minibatch) {
    const std::size_t n = minibatch.size();
    const auto count = static_cast<double>(n);
    // A lone step has no deviation.
    if (hyperparameters_.normalise_advantages && n > 1) {
      if (hyperparameters_.vtrace) {
        normalise_weighted(minibatch.advantages, minibatch.weights);
      } else {
        normalise(minibatch.advantages);
      }
    }
    if (network_.state_size() == 0) {
      pass_.evaluate(minibatch.observations, minibatch.actions, minibatch.masks, n);
    } else {
      pass_.evaluate({minibatch.observations, minibatch.lengths, minibatch.first_states}, minibatch.actions,
                     minibatch.masks);
    }
    const double done = sink_.schedule_done();
    const double clip_range =
        scheduled(hyperparameters_.clip_range_schedule, hyperparameters_.clip_range, done);
    const auto lowest = static_cast<float>(1 - clip_range);
    const auto highest = static_cast<float>(1 + clip_range);
    double policy_loss = 0, approximate_kl = 0, clipped_steps = 0;
    policy_gradient_.resize(n);
    for (std::size_t t = 0; t < n; ++t) {
      const float advantage = minibatch.advantages[t];
      const float log_ratio = pass_.log_probabilities()[t] - minibatch.log_probabilities[t];
      const float ratio = std::exp(log_ratio);
      const float free = ratio * advantage;
      const float clipped = std::clamp(ratio, lowest, highest) * advantage;
      // Where the clipped one is smaller it does not depend on the policy.
      policy_gradient_[t] = free <= clipped ? -free / static_cast<float>(n) : 0;
      if (hyperparameters_.log_epsilon > 0)
        policy_gradient_[t] *= derivative_of_log(pass_.log_probabilities()[t]);
      policy_loss -= std::min(free, clipped) / static_cast<double>(n);
      approximate_kl += (static_cast<double>(ratio) - 1 - log_ratio) / count;
      if (ratio < lowest || ratio > highest) clipped_steps += 1;
    }
    pass_.set_entropy_weight(
        scheduled(hyperparameters_.entropy_weight_schedule, hyperparameters_.entropy_weight, done));
    LearningStatistics statistics =
        pass_.backpropagate(minibatch.returns, policy_gradient_, minibatch.values);
    statistics.policy_loss = policy_loss;
    statistics.approximate_kl = approximate_kl;
    statistics.clip_fraction = clipped_steps / count;
    return statistics;
  }

  Hyperparameters hyperparameters_;
  LocalNetwork& network_;
  GradientSink& sink_;
  ActorCriticPass pass_;
  Steps round_;
  Steps minibatch_;
  std::vector<std::size_t> order_;   ///< of the round's steps, or sequences
  std::vector<std::size_t> starts_;  ///< the first step of each of the round's sequences
  std::vector<std::size_t> rows_;
  std::vector<float> states_;  ///< before each step of a segment
  std::vector<float> rewards_;
  std::vector<float> policy_gradient_;
  std::vector<float> log_ratios_;  ///< of a segment's steps, for V-trace
};

}  // namespace

std::unique_ptr<Algorithm> ppo(const Hyperparameters& hyperparameters) {
  return std::make_unique<ActorCriticAlgorithm<PpoLearner>>(hyperparameters);
}

}  // namespace genkidama
