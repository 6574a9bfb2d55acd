#include <fmt/format.h>

#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/env/checked_environment.h"
#include "genkidama/rl/demonstrations.h"

namespace genkidama {

class DemonstrationRecorder::Impl {
 public:
  Impl(std::unique_ptr<Environment> environment, std::string recorder)
      : environment_(make_checked(std::move(environment))) {
    const EnvironmentSpec& spec = environment_->spec();
    recording_.environment = spec.name;
    recording_.observation_shape = spec.observation_shape;
    recording_.action_space = spec.action_space;
    recording_.recorder = std::move(recorder);
  }

  Environment& environment() { return *environment_; }
  const Demonstrations& recording() const { return recording_; }
  double episode_return() const { return return_; }

  Observation reset(std::uint64_t seed) {
    forget();
    return_ = 0;
    seed_ = seed;
    return take(environment_->reset(seed));
  }

  StepResult step(Action action) {
    // The environment may reuse the floats of the mask.
    const ActionMask mask = environment_->action_mask();
    mask_.assign(mask.begin(), mask.end());
    action_.assign(action.begin(), action.end());
    check_room();
    const StepResult result = environment_->step(action);
    if (result.lost) {
      forget();
      return result;
    }
    append(episode_.observations, observation_);
    append(episode_.actions, action_);
    append(episode_.masks, mask_);
    episode_.rewards.push_back(result.reward);
    return_ += static_cast<double>(result.reward);
    take(result.observation);
    if (result.terminated || result.truncated) keep(result.terminated);
    return result;
  }

 private:
  template <typename T>
  static void append(std::vector<T>& to, const std::vector<T>& from) {
    to.insert(to.end(), from.begin(), from.end());
  }

  Observation take(Observation observation) {
    observation_.assign(observation.begin(), observation.end());
    return observation;
  }

  void keep(bool terminated) {
    append(recording_.observations, episode_.observations);
    append(recording_.actions, episode_.actions);
    append(recording_.masks, episode_.masks);
    append(recording_.rewards, episode_.rewards);
    recording_.lengths.push_back(episode_.steps());
    recording_.terminated.push_back(terminated ? 1 : 0);
    recording_.seeds.push_back(seed_);
    forget();
  }

  void forget() { episode_ = {}; }

  void check_room() {
    const std::size_t steps = recording_.steps() + episode_.steps();
    const std::size_t row =
        recording_.observation_size() + recording_.action_space.width() + 1 + mask_.size();
    if (steps < kMostDemonstratedSteps && recording_.episodes() < kMostDemonstratedEpisodes &&
        (steps + 1) * row * sizeof(float) < kMostDemonstrationBytes - kEpisodeBytes)
      return;
    forget();
    throw Error(fmt::format(
        "the recording is full: a file of demonstrations has at most {} steps, {} episodes "
        "and {} bytes; its {} whole episodes are kept",
        kMostDemonstratedSteps, kMostDemonstratedEpisodes, kMostDemonstrationBytes, recording_.episodes()));
  }

  /// What the lengths and ends of the most episodes take.
  static constexpr std::uint64_t kEpisodeBytes = 2 * sizeof(float) * kMostDemonstratedEpisodes;

  std::unique_ptr<Environment> environment_;
  Demonstrations recording_;
  Demonstrations episode_;  ///< the steps of the one that is being played
  std::vector<float> observation_, action_;
  std::vector<std::uint8_t> mask_;
  std::uint64_t seed_ = 0;
  double return_ = 0;
};

DemonstrationRecorder::DemonstrationRecorder(std::unique_ptr<Environment> environment, std::string recorder)
    : impl_(std::make_unique<Impl>(std::move(environment), std::move(recorder))) {}

DemonstrationRecorder::~DemonstrationRecorder() = default;

const EnvironmentSpec& DemonstrationRecorder::spec() const {
  return impl_->environment().spec();
}

Observation DemonstrationRecorder::reset(std::uint64_t seed) {
  return impl_->reset(seed);
}

StepResult DemonstrationRecorder::step(Action action) {
  return impl_->step(action);
}

ActionMask DemonstrationRecorder::action_mask() const {
  return impl_->environment().action_mask();
}

void DemonstrationRecorder::draw(Canvas& canvas) const {
  impl_->environment().draw(canvas);
}

bool DemonstrationRecorder::is_ready() const {
  return impl_->environment().is_ready();
}

void DemonstrationRecorder::prepare_reset(std::uint64_t seed) {
  impl_->environment().prepare_reset(seed);
}

const Demonstrations& DemonstrationRecorder::demonstrations() const {
  return impl_->recording();
}

double DemonstrationRecorder::episode_return() const {
  return impl_->episode_return();
}

}  // namespace genkidama
