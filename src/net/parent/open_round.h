#pragma once

// The round that is under way: who is waited for, who has contributed, and when it is over. No weights, no
// socket, no clock of its own.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "genkidama/core/clock.h"
#include "genkidama/net/round_options.h"

namespace genkidama {

/// Throws ArgumentError that names the field.
void check_round_options(const RoundOptions& options);

/// One round after another. Sessions are known by their numbers.
class OpenRound {
 public:
  /// The longest deadline that follows from the length of a round.
  static constexpr Milliseconds kLongestWait{300'000};
  /// The shortest deadline that follows from the length of a round: a process may have to wait for a core.
  static constexpr Milliseconds kShortestWait{1'000};

  explicit OpenRound(const RoundOptions& options)
      : options_(options), is_gathering_(options.first_children > 1) {}

  /// The longest time from a contribution to the end of its round.
  static Milliseconds longest_wait(const RoundOptions& options);

  /// A Child has joined, or is back, and was sent the weights.
  void joined(std::uint64_t session, Clock::time_point now);
  void left(std::uint64_t session);
  /// There must be no contribution of this session yet. `fresh`: it was learnt from the present weights.
  void contributed(std::uint64_t session, bool fresh, Clock::time_point now);
  /// Whether this session has contributed.
  bool has(std::uint64_t session) const;

  std::size_t contributions() const { return contributions_; }
  /// How many are expected to take part: all that are here, or those that are still to come too.
  std::size_t expected() const {
    const auto first = static_cast<std::size_t>(options_.first_children);
    return is_gathering_ ? std::max(members_.size(), first) : members_.size();
  }
  /// When the round is closed at the latest; nothing before its first contribution.
  std::optional<Clock::time_point> deadline() const;
  /// Whether the round must be closed now. Never without a contribution.
  bool is_over(Clock::time_point now) const;
  /// Time since the first contribution.
  Clock::duration waited(Clock::time_point now) const;
  /// The next round begins: those that have contributed are sent the weights.
  void close(Clock::time_point now);

 private:
  struct Member {
    bool has_contributed = false;
    bool is_awaited = false;
    bool is_slow = false;  ///< it has missed a deadline, and has not been in time since
    Clock::time_point weights_sent;
    Clock::duration took{};  ///< from the weights to the contribution
  };

  Clock::duration wait_after(Clock::duration first) const;
  std::size_t needed() const;

  const RoundOptions options_;
  std::map<std::uint64_t, Member> members_;
  std::size_t contributions_ = 0, awaited_ = 0;  ///< awaited_: have not contributed
  bool is_gathering_;                            ///< Children that start together are still to come
  Clock::time_point opened_;
  std::optional<Clock::time_point> first_, first_fresh_;
  Clock::duration first_fresh_took_{};
  Clock::duration usual_{};  ///< first_fresh_took_ of the last round that had a fresh contribution
};

}  // namespace genkidama
