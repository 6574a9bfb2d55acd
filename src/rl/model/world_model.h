#pragma once

// A model of a task of one choice: from an observation and an action to what follows.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/ipc/replay_sampler.h"
#include "genkidama/nn/network.h"
#include "genkidama/nn/shared_optimizer.h"
#include "rl/model/model_scale.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What a model is for and how it learns.
struct WorldModelOptions {
  std::size_t observation = 1;  ///< floats of an observation
  std::size_t actions = 2;      ///< alternatives
  int members = 1;              ///< networks that each learn the task
  int units = 64;               ///< of each of two hidden layers
  double learning_rate = 1e-3;
  bool is_alone = true;  ///< nobody else touches the shared floats
};

/// What a model says of some rows.
struct Prediction {
  std::vector<float> observations;  ///< [n, observation]
  std::vector<float> rewards;       ///< [n], not scaled
  std::vector<float> ends;          ///< [n], the chance that the task ends with this step
};

/// An ensemble of networks that give, in units of running means and deviations, the difference to the next
/// observation, the reward, and the logit of the task's end. Weights, Adam's state and units lie in floats
/// that all workers share, and are written by all that learn, without a lock. Where the gradient is not
/// finite the network begins anew.
class WorldModel {
 public:
  /// The floats of shared state.
  static std::size_t shared_size(const WorldModelOptions& options);

  /// `shared` has shared_size() floats, which are 0 at first, and outlives the object.
  WorldModel(std::span<float> shared, const WorldModelOptions& options);

  /// Writes the first weights, unless there are some. One worker of a machine calls it.
  void start(std::uint64_t seed);
  /// Reads what the others have written. Returns whether there are weights.
  bool read();
  std::size_t members() const { return static_cast<std::size_t>(options_.members); }

  /// Counts a real step for the units, and returns the errors of the members' predictions of it and of no
  /// change: means, over the components of the observation and the reward, of squares in units in which the
  /// mean square of a component's change is 1.
  struct Errors {
    float model = 0, no_change = 0;
  };
  Errors observe(std::span<const float> before, float action, float reward, std::span<const float> after);

  /// One optimizer step of a member on transitions of one step, whose discounts are 0 where the task ended.
  void learn(std::size_t member, const ReplayBatch& batch);

  /// What a member says about [n, observation] and actions [n].
  void predict(std::size_t member, std::span<const float> observations, std::span<const float> actions,
               Prediction& prediction);

 private:
  std::size_t outputs() const { return options_.observation + 2; }
  std::size_t reward_column() const { return 2 * options_.observation; }
  std::size_t difference_column(std::size_t k) const { return options_.observation + k; }
  std::span<float> shared_weights(std::size_t member);
  std::span<float> weights(std::size_t member);
  std::span<float> optimizer_state(std::size_t member);
  std::unique_ptr<Network> make_network(std::uint64_t seed) const;
  void begin_anew(std::size_t member, std::uint64_t seed);
  void compute(std::size_t member, std::span<const float> observations, std::span<const float> actions);
  void differentiate(const ReplayBatch& batch);
  float unit_target(const ReplayBatch& batch, std::size_t row, std::size_t output) const;

  WorldModelOptions options_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<GradientFunction> function_;
  std::unique_ptr<SharedOptimizer> optimizer_;
  std::span<float> shared_;  ///< of each member the steps + 1, the weights and the optimizer's state
  ModelScale scale_;         ///< of observations, differences and the reward
  std::size_t member_floats_;
  bool has_weights_ = false;
  std::vector<std::vector<float>> own_;  ///< copies of the members' weights; empty where one is alone
  std::vector<float> inputs_, logits_, by_logits_, gradient_, row_;
};

}  // namespace genkidama
