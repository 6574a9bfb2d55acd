#include "net/parent/apart_weights.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <tuple>
#include <utility>

namespace genkidama {
namespace {

constexpr std::size_t kChunk = 256;

}  // namespace

void ApartWeights::joined(std::uint64_t session, const std::string& name, std::span<const float> weights) {
  if (const auto known = find(session); known != members_.end()) {
    known->lost_at = 0;
    return;
  }
  Member member{name, session, 0, 0, {weights.begin(), weights.end()}};
  const auto place =
      std::lower_bound(members_.begin(), members_.end(), member, [](const Member& a, const Member& b) {
        return std::tie(a.name, a.session) < std::tie(b.name, b.session);
      });
  members_.insert(place, std::move(member));
}

void ApartWeights::learnt(std::uint64_t session, std::span<const float> change, std::uint64_t steps) {
  const auto member = find(session);
  assert(member != members_.end() && member->weights.size() == change.size());
  member->steps += steps;
  for (std::size_t i = 0; i < change.size(); ++i) member->weights[i] += change[i];
}

void ApartWeights::left(std::uint64_t session, bool for_good) {
  const auto member = find(session);
  if (member == members_.end()) return;
  if (for_good) return let_go(member);
  member->lost_at = ++losses_;
  const auto is_lost = [](const Member& each) { return each.lost_at > 0; };
  if (std::count_if(members_.begin(), members_.end(), is_lost) <= std::ptrdiff_t{kMostGone}) return;
  // The first that was lost; those that are connected come last.
  const auto age = [](const Member& each) { return each.lost_at - 1; };
  let_go(std::min_element(members_.begin(), members_.end(),
                          [&](const Member& a, const Member& b) { return age(a) < age(b); }));
}

std::span<const float> ApartWeights::of(std::uint64_t session) const {
  const auto member = std::find_if(members_.begin(), members_.end(),
                                   [&](const Member& each) { return each.session == session; });
  assert(member != members_.end());
  return member->weights;
}

void ApartWeights::mean(std::span<float> out) const {
  std::uint64_t steps = gone_steps_;
  for (const Member& each : members_) steps += each.steps;
  if (steps == 0) return;
  std::array<double, kChunk> sums;
  for (std::size_t start = 0; start < out.size(); start += kChunk) {
    const std::size_t count = std::min(kChunk, out.size() - start);
    std::copy_n(gone_.begin() + static_cast<std::ptrdiff_t>(start), count, sums.begin());
    for (const Member& each : members_) {
      const auto weight = static_cast<double>(each.steps);
      const float* const weights = each.weights.data() + start;
      for (std::size_t i = 0; i < count; ++i) sums[i] += weight * weights[i];
    }
    for (std::size_t i = 0; i < count; ++i)
      out[start + i] = static_cast<float>(sums[i] / static_cast<double>(steps));
  }
}

std::vector<ApartWeights::Member>::iterator ApartWeights::find(std::uint64_t session) {
  return std::find_if(members_.begin(), members_.end(),
                      [&](const Member& each) { return each.session == session; });
}

void ApartWeights::let_go(std::vector<Member>::iterator member) {
  const auto weight = static_cast<double>(member->steps);
  for (std::size_t i = 0; i < gone_.size(); ++i) gone_[i] += weight * member->weights[i];
  gone_steps_ += member->steps;
  members_.erase(member);
}

}  // namespace genkidama
