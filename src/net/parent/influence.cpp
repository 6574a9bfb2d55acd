#include "net/parent/influence.h"

#include <algorithm>
#include <cmath>

namespace genkidama {
namespace {

/// A sign for sixteen neighbours: they lie in different places of the sketch, so they may share it.
constexpr std::size_t kGroup = 16;

float sign_of(std::uint64_t group) {
  // The last step of SplitMix64, which takes numbers in a row to numbers that look random.
  std::uint64_t bits = (group + 1) * 0x9e3779b97f4a7c15U;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebU;
  return (bits >> 63) != 0 ? -1.0F : 1.0F;
}

}  // namespace

ChangeSketch::ChangeSketch(std::span<const float> from, std::span<const float> to) : ChangeSketch(to.size()) {
  add_part(0, from, to);
}

void ChangeSketch::add_part(std::size_t first, std::span<const float> from, std::span<const float> to) {
  double squares = squares_;
  for (std::size_t begin = 0; begin < to.size(); begin += kGroup) {
    const std::size_t count = std::min(kGroup, to.size() - begin);
    const auto sign = static_cast<double>(sign_of((first + begin) / kGroup));
    double* const place = values_.data() + begin % kWidth;
    for (std::size_t i = 0; i < count; ++i) {
      const double before = from.empty() ? 0.0 : static_cast<double>(from[begin + i]);
      const double change = static_cast<double>(to[begin + i]) - before;
      squares += change * change;
      place[i] += sign * change;
    }
  }
  squares_ = squares;
}

void InfluenceMeter::add(std::uint64_t session, const ChangeSketch& change) {
  constexpr double kKeep = 0.8;
  const auto values = change.values();
  if (sum_.size() != values.size()) {
    recent_.clear();
    sum_.assign(values.size(), 0.0);
  }
  auto found = recent_.find(session);
  // Made before it is put there: where memory has ended, nothing of a wrong size is left behind.
  if (found == recent_.end()) found = recent_.emplace(session, std::vector<double>(values.size())).first;
  auto& recent = found->second;
  const double scale = change.norm() > 0 ? 1 / change.norm() : 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double now = kKeep * recent[i] + scale * values[i];
    sum_[i] += now - recent[i];
    recent[i] = now;
  }
}

std::optional<double> InfluenceMeter::agreement(std::uint64_t session, const ChangeSketch& change) const {
  const auto own = recent_.find(session);
  const bool is_known = own != recent_.end();
  if (recent_.size() < (is_known ? 2U : 1U) || sum_.size() != change.values().size()) return std::nullopt;
  double product = 0, others = 0, mine = 0;
  for (std::size_t i = 0; i < sum_.size(); ++i) {
    const double other = sum_[i] - (is_known ? own->second[i] : 0.0);
    const double value = change.values()[i];
    product += other * value;
    others += other * other;
    mine += value * value;
  }
  // What is left of sums that cancel out is no direction.
  constexpr double kNothing = 1e-18;
  if (others <= kNothing || mine <= 0) return std::nullopt;
  return std::clamp(product / std::sqrt(others * mine), -1.0, 1.0);
}

void InfluenceMeter::forget(std::uint64_t session) {
  const auto found = recent_.find(session);
  if (found == recent_.end()) return;
  for (std::size_t i = 0; i < sum_.size(); ++i) sum_[i] -= found->second[i];
  recent_.erase(found);
  if (recent_.empty()) sum_.clear();
}

double distance(std::span<const float> from, std::span<const float> to) {
  double squares = 0;
  for (std::size_t i = 0; i < to.size(); ++i) {
    const double change = static_cast<double>(to[i]) - static_cast<double>(from[i]);
    squares += change * change;
  }
  return std::sqrt(squares);
}

}  // namespace genkidama
