#pragma once

/// @file
/// How the outputs of a network become actions, and how probable those actions were.

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "genkidama/core/export.h"
#include "genkidama/core/random.h"
#include "genkidama/env/action_space.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What an action is chosen for.
enum class Acting {
  kExploring,  ///< collecting experience: sampled from the policy, with the exploration that was configured
  kSampling,   ///< sampled from the policy, without further exploration
  kGreedy      ///< the likeliest alternative of each choice, and the mean of what is continuous
};

/// Chooses actions. A behaviour is used by one thread, and while it explores for one environment: what it
/// remembers then belongs to that environment's episode.
class Behaviour {
 public:
  virtual ~Behaviour() = default;

  /// Forgets what exploration remembers of the steps before. Called before each episode that explores. The
  /// default does nothing.
  virtual void start_episode() {}

  /// Fills `chosen` (the action space's width) from the policy's outputs for one observation, which are
  /// finite. `mask` is the environment's; an empty one allows everything. `log_probability` becomes the
  /// logarithm of the probability with which this way of acting chooses that (of its density where it is
  /// continuous); it is 0 for a greedy choice.
  virtual void act(std::span<const float> outputs, ActionMask mask, Acting acting, Random& random,
                   std::span<float> chosen, float& log_probability) const = 0;

  /// Fills `action` (the action space's width) with what the environment is given for `chosen`. The two
  /// differ where an action has bounds: segments hold what was chosen, of which probabilities are told. The
  /// default copies.
  virtual void to_environment(std::span<const float> chosen, std::span<float> action) const;

  /// A few words from which load_policy() makes this behaviour again for the same action space. Empty, as
  /// here: load_policy() needs PolicyOptions::behaviour.
  virtual std::string description() const { return {}; }
};

/// The distribution that a policy's outputs stand for, over a batch and with its derivatives: what a policy
/// gradient needs. All arrays are row-major. A distribution is used by one thread.
class ActionDistribution {
 public:
  virtual ~ActionDistribution() = default;

  /// Fills `log_probabilities` [n] with those of `chosen` [n, action width] under `outputs` [n, policy].
  /// `masks` [n, alternatives] are those with which it was chosen; empty: everything was allowed. All of it
  /// must stay until backward().
  virtual void evaluate(std::span<const float> outputs, ActionMask masks, std::span<const float> chosen,
                        std::span<float> log_probabilities) = 0;

  /// Overwrites `by_outputs` [n, policy] with a loss' derivatives by the outputs of the latest evaluate(),
  /// given its derivative by the log-probability of each row [n], and by the entropy of each row, which is
  /// the same for all. Returns the mean entropy in nats.
  virtual double backward(std::span<const float> by_log_probability, float by_entropy,
                          std::span<float> by_outputs) = 0;

  /// The mean standard deviation of the continuous components in the latest evaluate(), in the unit in which
  /// they are drawn; 0 where there are none.
  virtual double deviation() const { return 0; }
};

/// How a continuous component stays within its bounds.
enum class ActionBounds {
  kClip,  ///< the environment is given the nearest value within the bounds; probabilities are of what was
          ///< sampled
  kTanh   ///< the hyperbolic tangent of what was sampled is mapped onto the bounds, which must be finite
};

/// How actions are drawn. Continuous components are drawn each from a normal distribution of its own.
///
/// A component with two finite bounds is learnt in [-1, 1], which is mapped linearly to [low, high]; any
/// other one is learnt in the environment's own unit. All figures below are in learnt units.
struct GaussianOptions {
  /// The natural logarithm of the deviation at first, -20 to 20. 0 is a deviation of 1: half of a bounded
  /// component's range.
  double initial_log_deviation = 0;
  /// false: each component's log-deviation is a learnt constant. true: the network computes it from the
  /// observation, in further outputs that are added to initial_log_deviation.
  bool state_dependent_deviation = false;
  ActionBounds action_bounds = ActionBounds::kClip;  ///< how bounds are kept
  /// How much of a step's noise follows from that of the step before, in [0, 1), while experience is
  /// collected: the correlation of the two normal numbers of a component, and the chance that a choice is
  /// drawn with the same random number again. Each step alone is distributed as without it, and probabilities
  /// are told as if steps were independent. Above 0 the agent keeps to a direction for longer, which finds
  /// what independent noise does not reach, and spares a robot's gears. (Hollenstein et al. 2024, "Colored
  /// Noise in PPO", correlate normal noise with another spectrum.)
  double noise_correlation = 0;
};

/// "clip" or "tanh".
const char* action_bounds_name(ActionBounds bounds);

/// Chooses one of as many alternatives as there are outputs, from the softmax of those outputs that the mask
/// allows. Exploring, any allowed alternative is taken with chance `epsilon` (thesis, Algorithm 1, lines 10
/// to 14). The greedy choice is the first of the largest outputs. A masked alternative has probability 0.
/// `noise_correlation` is GaussianOptions::noise_correlation, which epsilon's choices do not follow. Throws
/// ArgumentError unless it lies in [0, 1).
std::unique_ptr<Behaviour> categorical(double epsilon = 0, double noise_correlation = 0);

/// Chooses the alternative with the largest output that the mask allows, the first of several. Exploring, any
/// allowed alternative is taken with chance `epsilon()`, which is asked before each choice and lies in [0,
/// 1]; an empty function stands for 0. Each alternative has `outputs_each` (>= 1) outputs side by side, the
/// mean of which counts: the quantiles of a distribution of returns. Throws ArgumentError for fewer.
std::unique_ptr<Behaviour> greedy_choice(std::function<double()> epsilon = {}, int outputs_each = 1);

/// Chooses continuous actions with finite bounds: the hyperbolic tangent of each output, mapped linearly to
/// the bounds. Exploring, normal noise with the deviation `noise` (>= 0) is added to it, and what lies beyond
/// [-1, 1] is cut. Log-probabilities are 0. Throws ArgumentError for another space and for a `noise` out of
/// range.
std::unique_ptr<Behaviour> deterministic(const ActionSpace& space, double noise = 0);

/// The softmax of `output_count` outputs, which categorical() samples from without its epsilon. A masked
/// output has probability 0 and no gradient.
std::unique_ptr<ActionDistribution> categorical_distribution(int output_count);

/// Chooses the continuous components of `space` and nothing else, from independent normal distributions. The
/// outputs are their means, and then their log-deviations. Throws ArgumentError where the options need finite
/// bounds and the space has others.
std::unique_ptr<Behaviour> gaussian(const ActionSpace& space, const GaussianOptions& options = {});

/// The distribution that gaussian() samples from. With ActionBounds::kTanh log-probabilities are those of the
/// squashed value (Haarnoja et al. 2018, "Soft Actor-Critic Algorithms and Applications", appendix C); its
/// entropy has no closed form and is integrated by Gauss-Hermite quadrature. Throws as gaussian().
std::unique_ptr<ActionDistribution> gaussian_distribution(const ActionSpace& space,
                                                          const GaussianOptions& options = {});

/// Chooses an action of any space: categorical() for each choice, then gaussian() for the continuous
/// components, independent of each other. action_outputs() says which outputs that takes. Throws
/// ArgumentError as gaussian().
std::unique_ptr<Behaviour> action_behaviour(const ActionSpace& space, const GaussianOptions& options = {},
                                            double epsilon = 0);

/// The distribution that action_behaviour() samples from without its epsilon: log-probabilities and entropies
/// are sums over the parts. Throws ArgumentError as gaussian().
std::unique_ptr<ActionDistribution> action_distribution(const ActionSpace& space,
                                                        const GaussianOptions& options = {});

/// The outputs from which action_behaviour() chooses: a logit for each alternative of each choice, then a
/// mean and then a log-deviation for each continuous component.
int action_outputs(const ActionSpace& space);

/// What a description says of continuous components: the bounds, and on what the deviation depends. Empty
/// when it says nothing of them.
std::optional<GaussianOptions> described_options(std::string_view description);

/// How many outputs the behaviour with a description of the library takes, for a space.
int described_outputs(std::string_view description, const ActionSpace& space);

/// The behaviour with a description, for a space; null when no behaviour of the library has that description.
std::unique_ptr<Behaviour> described_behaviour(std::string_view description, const ActionSpace& space);

}  // namespace genkidama
