#include "net/environments/hosted_environment.h"

#include <algorithm>
#include <utility>

namespace genkidama {

HostedEnvironment::HostedEnvironment(std::shared_ptr<EnvironmentSlots> slots, std::size_t slot,
                                     EnvironmentSpec spec, std::function<bool()> keep_waiting)
    : slots_(std::move(slots)),
      slot_(slot),
      spec_(std::move(spec)),
      keep_waiting_(std::move(keep_waiting)),
      observation_(slots_->sizes().observation),
      before_(slots_->sizes().observation),
      metrics_(slots_->sizes().metrics),
      mask_(slots_->sizes().mask, 1) {}

void HostedEnvironment::prepare_reset(std::uint64_t seed) {
  prepared_ = {slots_->ask_reset(slot_, seed), true, seed, {}};
  has_episode_ = false;
}

bool HostedEnvironment::is_ready() const {
  return prepared_.ticket == 0 || !prepared_.is_reset || slots_->is_answered(slot_, prepared_.ticket) ||
         slots_->is_closed();
}

Observation HostedEnvironment::reset(std::uint64_t seed) {
  if (prepared_.ticket == 0 || !prepared_.is_reset || prepared_.seed != seed) prepare_reset(seed);
  const std::uint64_t ticket = std::exchange(prepared_.ticket, 0);
  has_episode_ = slots_->wait(slot_, ticket, keep_waiting_);
  if (has_episode_) {
    slots_->read_answer(slot_, observation_, metrics_, mask_);
  } else {
    // Nobody learns from it; it only has to be one.
    std::fill(observation_.begin(), observation_.end(), 0.0f);
    std::fill(mask_.begin(), mask_.end(), std::uint8_t{1});
  }
  return observation_;
}

void HostedEnvironment::prepare_step(Action action) {
  if (!has_episode_) return;
  if (has_prepared_step()) {
    // The host may have played it: the episode cannot go on with another action.
    if (!is_prepared(action)) has_episode_ = false;
    return;
  }
  prepared_.ticket = slots_->ask_step(slot_, action);
  prepared_.is_reset = false;
  prepared_.action.assign(action.begin(), action.end());
}

bool HostedEnvironment::has_prepared_step() const {
  return prepared_.ticket != 0 && !prepared_.is_reset;
}

bool HostedEnvironment::is_prepared(Action action) const {
  return std::equal(action.begin(), action.end(), prepared_.action.begin(), prepared_.action.end());
}

StepResult HostedEnvironment::step(Action action) {
  prepare_step(action);
  if (!has_episode_) return lost();
  const std::uint64_t ticket = std::exchange(prepared_.ticket, 0);
  if (!slots_->wait(slot_, ticket, keep_waiting_)) return lost();
  before_.swap(observation_);
  const EnvironmentAnswer answer = slots_->read_answer(slot_, observation_, metrics_, mask_);
  if (answer.lost) {
    before_.swap(observation_);
    return lost();
  }
  StepResult result;
  result.observation = observation_;
  result.reward = answer.reward;
  result.terminated = answer.terminated;
  result.truncated = answer.truncated;
  result.metrics = answer.metrics;
  if (answer.terminated || answer.truncated) has_episode_ = false;
  return result;
}

StepResult HostedEnvironment::lost() {
  has_episode_ = false;
  prepared_.ticket = 0;
  StepResult result;
  result.observation = observation_;
  result.truncated = true;
  result.lost = true;
  return result;
}

}  // namespace genkidama
