// Dyna-Q: DQN that learns from real steps and from those that a learnt model of the task imagines.

#include <fmt/format.h>

#include <memory>

#include "genkidama/core/error.h"
#include "genkidama/rl/algorithms.h"
#include "rl/algorithms/choice_values.h"
#include "rl/algorithms/dyna.h"
#include "rl/algorithms/replay_algorithm.h"

namespace genkidama {
namespace {

/// Plays the real task; what no helper is there for it does itself.
class DynaLearner final : public Learner {
 public:
  DynaLearner(const Hyperparameters& hyperparameters, const LearnerContext& context)
      : hyperparameters_(hyperparameters),
        sink_(context.sink),
        dyna_(hyperparameters, context, Dyna::Part::kWorker) {}

  void begin_round(const Random& random) override { dyna_.begin_round(random); }
  std::size_t segment_steps() const override { return 1; }

  void learn_segment(const Segment& segment) override {
    dyna_.observe(segment);
    for (std::uint64_t real = dyna_.learn_real(segment); real > 0; --real) dyna_.allow();
    while (hyperparameters_.modellers == 0 && !sink_.out_of_time() && dyna_.learn_model()) {
    }
    while (hyperparameters_.planners == 0 && !sink_.out_of_time() && dyna_.imagine()) {
    }
  }

  void learn_round(Random&) override {}

 private:
  const Hyperparameters hyperparameters_;
  GradientSink& sink_;
  Dyna dyna_;
};

class DynaHelper final : public Helper {
 public:
  DynaHelper(const Hyperparameters& hyperparameters, const LearnerContext& context, Dyna::Part part)
      : part_(part), dyna_(hyperparameters, context, part) {}

  void begin_round(const Random& random) override { dyna_.begin_round(random); }
  bool help() override { return part_ == Dyna::Part::kModeller ? dyna_.learn_model() : dyna_.imagine(); }

 private:
  Dyna::Part part_;
  Dyna dyna_;
};

class DynaQ final : public Algorithm {
 public:
  explicit DynaQ(const Hyperparameters& hyperparameters)
      : hyperparameters_(hyperparameters), values_(dqn(hyperparameters)) {}

  NetworkSpec network(const EnvironmentSpec& environment) const override {
    const EnvironmentSpec spec = completed(environment);
    one_choice(environment, "dyna_q");
    if (spec.masks_actions) {
      throw ArgumentError(
          fmt::format("environment '{}' masks actions, and the model of dyna_q does not learn which are "
                      "allowed; expected "
                      "an environment without masks, or dqn",
                      spec.name));
    }
    return values_->network(environment);
  }

  bool learns_from_replay() const override { return true; }
  bool takes_memory() const override { return false; }
  void check_network(const LocalNetwork& network) const override { check_no_memory(network, "dyna_q"); }
  std::size_t shared_state_for(const EnvironmentSpec& environment, std::size_t parameters) const override {
    return Dyna::shared_size(hyperparameters_, completed(environment), parameters);
  }
  std::unique_ptr<Behaviour> make_behaviour(const EnvironmentSpec& environment) const override {
    return values_->make_behaviour(environment);
  }
  std::unique_ptr<Behaviour> make_explorer(const ExplorerContext& context) const override {
    return values_->make_explorer(context);
  }
  std::unique_ptr<ImitationLoss> make_imitation_loss(const EnvironmentSpec& environment,
                                                     const CloningOptions& options) const override {
    return values_->make_imitation_loss(environment, options);
  }
  std::unique_ptr<Learner> make_learner(const LearnerContext& context) const override {
    return std::make_unique<DynaLearner>(hyperparameters_, context);
  }

  int helpers() const override { return hyperparameters_.modellers + hyperparameters_.planners; }
  std::unique_ptr<Helper> make_helper(const LearnerContext& context, int helper) const override {
    const auto part = helper < hyperparameters_.modellers ? Dyna::Part::kModeller : Dyna::Part::kPlanner;
    return std::make_unique<DynaHelper>(hyperparameters_, context, part);
  }

 private:
  Hyperparameters hyperparameters_;
  std::unique_ptr<Algorithm> values_;  ///< how Q is learnt from transitions, real or imagined
};

}  // namespace

std::unique_ptr<Algorithm> dyna_q(const Hyperparameters& hyperparameters) {
  return std::make_unique<DynaQ>(hyperparameters);
}

}  // namespace genkidama
