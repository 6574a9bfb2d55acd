#include "genkidama/env/checked_environment.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <utility>

#include "env/whole_number.h"
#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"

namespace genkidama {
namespace {

class CheckedEnvironment final : public Environment {
 public:
  explicit CheckedEnvironment(std::unique_ptr<Environment> inner)
      : inner_(std::move(inner)),
        spec_(completed(inner_->spec())),
        discrete_(dynamic_cast<DiscreteEnvironment*>(inner_.get())),
        choices_(single_choice(spec_.action_space)),
        environment_(fmt::format("environment '{}'", spec_.name)),
        step_(environment_ + ": step()") {}

  const EnvironmentSpec& spec() const override { return spec_; }

  Observation reset(std::uint64_t seed) override {
    running_ = false;
    mask_ = {};
    const Observation observation = inner_->reset(seed);
    check(observation, "reset()");
    take_mask();
    steps_ = 0;
    running_ = true;
    return observation;
  }

  void prepare_reset(std::uint64_t seed) override {
    running_ = false;
    inner_->prepare_reset(seed);
  }
  bool is_ready() const override { return inner_->is_ready(); }

  void prepare_step(Action action) override {
    check_step(action);
    inner_->prepare_step(action);
  }

  StepResult step(Action action) override {
    const std::optional<int> choice = check_step(action);
    // Stays false when what follows throws: the episode cannot go on from an unknown state.
    running_ = false;
    StepResult result = choice && discrete_ != nullptr ? discrete_->step(*choice) : inner_->step(action);
    check(result.observation, "step()");
    if (!is_finite(result.reward)) {
      throw ArgumentError(fmt::format("environment '{}': step() gave reward {}, expected a finite number",
                                      spec_.name, result.reward));
    }
    // A terminal state has no value beyond it, whatever the clock says, and no further action.
    if (++steps_ >= spec_.time_limit || result.lost) result.truncated = true;
    if (result.terminated) result.truncated = false;
    mask_ = {};
    if (spec_.masks_actions && !result.terminated && !result.lost) take_mask();
    running_ = !result.terminated && !result.truncated;
    if (!result.lost && (!spec_.metrics.empty() || !result.metrics.empty())) check_metrics(result.metrics);
    return result;
  }

  ActionMask action_mask() const override { return mask_; }

  void draw(Canvas& canvas) const override { inner_->draw(canvas); }

 private:
  /// How many there are when an action is one choice and nothing else; otherwise 0.
  static int single_choice(const ActionSpace& space) {
    return space.width() == 1 && space.choices.size() == 1 ? space.choices.front() : 0;
  }

  /// The sound action of most environments, told without a look at the whole action space.
  std::optional<int> choice_of(Action action) const {
    const auto choice = whole_number(action);
    return choice && *choice >= 0 && *choice < choices_ ? choice : std::nullopt;
  }

  /// The choice, where an action is one choice and nothing else.
  std::optional<int> check_step(Action action) const {
    const std::optional<int> choice = choice_of(action);
    if (!choice) check_action(step_, spec_.action_space, action);
    if (!mask_.empty()) check_allowed(action);
    if (!running_) refuse_step();
    return choice;
  }

  [[noreturn]] void refuse_step() const {
    throw ArgumentError(fmt::format(
        "environment '{}': step() called outside an episode, expected reset() first and after every end",
        spec_.name));
  }

  void check_metrics(std::span<const float> metrics) const {
    if (running_ && metrics.empty()) return;
    if (metrics.size() != spec_.metrics.size()) {
      throw ArgumentError(fmt::format(
          "environment '{}': step() gave {} metrics{}, expected {}, as many as spec().metrics names",
          spec_.name, metrics.size(), running_ ? "" : " at the episode's end", spec_.metrics.size()));
    }
    for (std::size_t i = 0; i < metrics.size() && !running_; ++i) {
      if (is_finite(metrics[i])) continue;
      throw ArgumentError(fmt::format(
          "environment '{}': step() gave {} as metric '{}' at the episode's end, expected a finite number",
          spec_.name, metrics[i], spec_.metrics[i]));
    }
  }

  void check_allowed(Action action) const {
    const auto choice = forbidden_choice(spec_.action_space, mask_, action);
    if (!choice) return;
    throw ArgumentError(fmt::format("{} given {} as choice {} of its action, which action_mask() forbids",
                                    step_, action[*choice], *choice));
  }

  void take_mask() {
    const ActionMask mask = inner_->action_mask();
    if (!spec_.masks_actions && mask.empty()) return;
    if (!spec_.masks_actions) {
      throw ArgumentError(
          fmt::format("environment '{}': action_mask() gave a mask of {} bytes, expected none, since "
                      "spec().masks_actions "
                      "is not set",
                      spec_.name, mask.size()));
    }
    check_action_mask(environment_, spec_.action_space, mask);
    mask_ = mask;
  }

  void check(Observation observation, const char* source) const {
    if (observation.size() != static_cast<std::size_t>(spec_.observation_size)) {
      throw ArgumentError(fmt::format("environment '{}': {} gave an observation of {} values, expected {}",
                                      spec_.name, source, observation.size(), spec_.observation_size));
    }
    for (std::size_t i = 0; i < observation.size(); ++i) {
      if (!is_finite(observation[i])) {
        throw ArgumentError(
            fmt::format("environment '{}': {} gave {} as observation value {}, expected a finite number",
                        spec_.name, source, observation[i], i));
      }
    }
  }

  std::unique_ptr<Environment> inner_;
  EnvironmentSpec spec_;
  DiscreteEnvironment* discrete_;  ///< inner_ when its action is a choice: it is given the number itself
  int choices_;                    ///< see single_choice()
  std::string environment_;        ///< how a message begins
  std::string step_;               ///< how a message about step() begins
  ActionMask mask_;                ///< the inner environment's, as long as an action may follow
  int steps_ = 0;
  bool running_ = false;
};

}  // namespace

std::unique_ptr<Environment> make_checked(std::unique_ptr<Environment> environment) {
  if (!environment) {
    throw ArgumentError(
        "make_checked() given no environment, expected one; does the factory return nullptr?");
  }
  return std::make_unique<CheckedEnvironment>(std::move(environment));
}

}  // namespace genkidama
