// The state where several threads merge.

#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

#include "genkidama/params/weighted_average.h"
#include "net/parent/parent_state.h"
#include "net/parent/session_figures.h"
#include "net/parent/shared_weights.h"

namespace genkidama {
namespace {

/// Another element for each session, spread evenly over all: merges that begin together seldom meet.
std::size_t first_element(std::uint64_t session, std::size_t size) {
  constexpr double kGolden = 0.6180339887498949;
  const double place = static_cast<double>(session % 4096) * kGolden;
  // A line of the cache has 16.
  return static_cast<std::size_t>((place - std::floor(place)) * static_cast<double>(size)) / 16 * 16;
}

}  // namespace

std::vector<float> ParentState::copied_weights() const {
  if (!shares_weights_) return weights_;
  std::vector<float> copy(weights_.size());
  copy_current(copy);
  return copy;
}

double ParentState::own_norm() const {
  return shares_weights_ ? euclidean_norm(copied_weights()) : euclidean_norm(weights_);
}

void ParentState::copy_current(std::span<float> copy) const {
  read_shared(weights_, copy);
}

WeightsLook ParentState::look_at(std::span<const float> weights) const {
  WeightsLook look{objection(weights), ChangeSketch(weights.size())};
  if (look.objection) return look;
  std::array<float, ChangeSketch::kWidth> here;
  for (std::size_t first = 0; first < weights.size(); first += here.size()) {
    const auto part = weights.subspan(first, std::min(here.size(), weights.size() - first));
    const std::span<float> from(here.data(), part.size());
    read_shared(std::span(weights_).subspan(first, part.size()), from);
    look.pull.add_part(first, from, part);
  }
  return look;
}

MergeReport ParentState::begin_merge(const FrameHeader& frame, const ChangeSketch& pull,
                                     Clock::time_point now, NumberedStatistics own) {
  MergeReport report;
  SessionRecord& record = children_.at(frame.session);
  report.since_merge = played_since_merge(record, {frame.environment_steps, frame.episodes});
  report.agreement = influence_.agreement(frame.session, pull);
  report.movement = alpha_ * pull.norm();
  influence_.add(frame.session, pull);
  const std::lock_guard lock(mutex_);
  count_merge(record, frame, report, now, std::move(own));
  ++begun_;
  return report;
}

void ParentState::average(std::uint64_t session, std::span<const float> weights, std::span<float> result) {
  average_shared(weights_, weights, alpha_, result, first_element(session, weights.size()));
}

void ParentState::end_merge() {
  const std::lock_guard lock(mutex_);
  --begun_;
  ++status_.updates;
}

}  // namespace genkidama
