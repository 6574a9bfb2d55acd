#include "net/parent/open_round.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>

#include "genkidama/core/error.h"

namespace genkidama {

void check_round_options(const RoundOptions& options) {
  // Written so that NaN is refused too.
  if (!(options.quorum_share > 0 && options.quorum_share <= 1)) {
    throw ArgumentError(fmt::format("quorum_share is {}; give a share in (0, 1]", options.quorum_share));
  }
  if (options.deadline < Milliseconds::zero() || options.deadline > kLongestDeadline) {
    throw ArgumentError(
        fmt::format("deadline of a round is {} ms; give 0 (by the length of the round) or up to {} ms",
                    options.deadline.count(), kLongestDeadline.count()));
  }
}

Milliseconds OpenRound::longest_wait(const RoundOptions& options) {
  // A late contribution that comes first waits for a fresh one, and both wait for the deadline.
  const Milliseconds deadline = options.deadline > Milliseconds::zero() ? options.deadline : kLongestWait;
  return kLongestWait + 2 * deadline;
}

void OpenRound::joined(std::uint64_t session, Clock::time_point now) {
  if (members_.empty()) opened_ = now;
  Member member;
  member.weights_sent = now;
  // Those that have contributed need not wait for one that has just begun.
  member.is_awaited = contributions_ == 0 || is_gathering_;
  if (members_.try_emplace(session, member).second && member.is_awaited) ++awaited_;
  if (members_.size() >= options_.first_children) is_gathering_ = false;
}

void OpenRound::left(std::uint64_t session) {
  const auto found = members_.find(session);
  if (found == members_.end()) return;
  if (found->second.has_contributed) {
    --contributions_;
  } else if (found->second.is_awaited) {
    --awaited_;
  }
  members_.erase(found);
  if (contributions_ == 0) {
    // Nobody waits any more.
    first_.reset();
    first_fresh_.reset();
  }
}

bool OpenRound::has(std::uint64_t session) const {
  const auto found = members_.find(session);
  return found != members_.end() && found->second.has_contributed;
}

void OpenRound::contributed(std::uint64_t session, bool fresh, Clock::time_point now) {
  Member& member = members_.at(session);
  assert(!member.has_contributed);
  if (member.is_awaited) --awaited_;
  ++contributions_;
  member.has_contributed = true;
  member.took = now - member.weights_sent;
  if (!first_) first_ = now;
  if (fresh && !first_fresh_) {
    first_fresh_ = now;
    first_fresh_took_ = member.took;
  }
}

Clock::duration OpenRound::wait_after(Clock::duration first) const {
  if (options_.deadline > Milliseconds::zero()) return options_.deadline;
  return std::clamp<Clock::duration>(first, kShortestWait, kLongestWait);
}

std::optional<Clock::time_point> OpenRound::deadline() const {
  if (!first_) return std::nullopt;
  if (first_fresh_) return *first_fresh_ + wait_after(first_fresh_took_);
  // Only late contributions so far: the others have as long as they had the last time.
  const Clock::duration usual = std::min<Clock::duration>(usual_, kLongestWait);
  return std::max(*first_, opened_ + usual) + wait_after(usual);
}

std::size_t OpenRound::needed() const {
  const std::size_t taking_part = awaited_ + contributions_;
  if (options_.quorum_count > 0) return std::min<std::uint64_t>(options_.quorum_count, taking_part);
  // Less a little: 0.7 of 10 is 7, whatever its last digit in binary is.
  const double share = options_.quorum_share * static_cast<double>(taking_part) - 1e-9;
  return std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(share)));
}

bool OpenRound::is_over(Clock::time_point now) const {
  if (contributions_ == 0) return false;
  if (now >= *deadline()) return true;
  return !is_gathering_ && contributions_ >= needed();
}

Clock::duration OpenRound::waited(Clock::time_point now) const {
  return first_ ? now - *first_ : Clock::duration::zero();
}

void OpenRound::close(Clock::time_point now) {
  const bool is_late = contributions_ > 0 && now >= *deadline();
  if (first_fresh_) usual_ = first_fresh_took_;
  const Clock::duration allowed = usual_ + wait_after(usual_);
  awaited_ = 0;
  for (auto& [session, member] : members_) {
    if (member.has_contributed) {
      // One that took longer than a round may take would only keep the others waiting again.
      member.is_slow = member.took > allowed;
      member.has_contributed = false;
      member.weights_sent = now;
    } else if ((is_late && member.is_awaited) || now - member.weights_sent >= allowed) {
      member.is_slow = true;
    }
    member.is_awaited = !member.is_slow;
    if (member.is_awaited) ++awaited_;
  }
  contributions_ = 0;
  is_gathering_ = false;
  opened_ = now;
  first_.reset();
  first_fresh_.reset();
}

}  // namespace genkidama
