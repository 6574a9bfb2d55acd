#include "net/parent_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>

#include "genkidama/params/weighted_average.h"

namespace genkidama {
namespace {

// On the bits, so that no compiler flag about finite arithmetic can remove it.
bool is_finite(double value) {
  constexpr std::uint64_t kExponentBits = 0x7ff0000000000000u;
  return (std::bit_cast<std::uint64_t>(value) & kExponentBits) != kExponentBits;
}

std::uint64_t* count_of(PeerRefusals& refusals, PeerFault fault) {
  switch (fault) {
    case PeerFault::kNone:
      return nullptr;
    case PeerFault::kToken:
      return &refusals.token;
    case PeerFault::kOrigin:
      return &refusals.origin;
    case PeerFault::kRequest:
      return &refusals.request;
    case PeerFault::kTls:
      return &refusals.tls;
    case PeerFault::kQuarantine:
      return &refusals.quarantine;
    case PeerFault::kConnections:
      return &refusals.connections;
  }
  return nullptr;
}

}  // namespace

ParentState::ParentState(double alpha, double max_norm_growth, std::vector<float> weights,
                         std::uint64_t first_update)
    : alpha_(alpha), max_norm_growth_(max_norm_growth), weights_(std::move(weights)) {
  status_.updates = first_update;
}

std::vector<float> ParentState::weights() const {
  const std::lock_guard lock(mutex_);
  return weights_;
}

ParentStatus ParentState::status() const {
  const std::lock_guard lock(mutex_);
  ParentStatus status = status_;
  status.children.reserve(children_.size());
  for (const auto& [session, child] : children_) status.children.push_back(child.status);
  return status;
}

std::optional<std::string> ParentState::objection(std::span<const float> weights) const {
  // One look at the weights: their norm is finite exactly when all of them are.
  const double given = euclidean_norm(weights);
  if (!is_finite(given)) {
    const std::size_t bad = first_non_finite(weights);
    return fmt::format("element {} of the weights is {}, not a finite number; the training has diverged", bad,
                       weights[bad]);
  }
  // The Parent's own norm is only needed when the least that it may count for is not enough.
  if (max_norm_growth_ > 0 && given > max_norm_growth_) {
    const double here = euclidean_norm(weights_);
    if (given > max_norm_growth_ * std::max(here, 1.0)) {
      return fmt::format("the norm of the weights is {:.3g}, out of proportion to the Parent's {:.3g}", given,
                         here);
    }
  }
  return std::nullopt;
}

void ParentState::joined(const ChildStatus& child, std::uint64_t steps_counted_before) {
  const std::lock_guard lock(mutex_);
  children_[child.session] = {child, steps_counted_before};
  ++status_.joined;
}

void ParentState::merge(const FrameHeader& frame, std::span<const float> weights) {
  const std::lock_guard lock(mutex_);
  average_finite(weights_, weights, alpha_);
  ++status_.updates;
  Joined& child = children_.at(frame.session);
  if (frame.environment_steps > child.steps_counted) {
    status_.environment_steps += frame.environment_steps - child.steps_counted;
    child.steps_counted = frame.environment_steps;
  }
  ++child.status.updates;
  child.status.environment_steps = frame.environment_steps;
}

void ParentState::left(std::uint64_t session) {
  const std::lock_guard lock(mutex_);
  children_.erase(session);
  ++status_.left;
}

void ParentState::peer_refused(const std::string& reason, PeerFault fault) {
  const std::lock_guard lock(mutex_);
  ++status_.refused_peers;
  if (std::uint64_t* count = count_of(status_.refusals, fault)) ++*count;
  status_.last_refusal = reason;
}

void ParentState::update_refused(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  ++status_.refused_updates;
  status_.last_refusal = reason;
}

}  // namespace genkidama
