#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/net/parent.h"
#include "net/round_time_estimate.h"

namespace genkidama {

/// All that a Parent knows about a session, whatever link it is on.
struct SessionRecord {
  std::string own_name;           ///< as the Child calls itself; status.name is what it is shown as
  ChildStatus status;             ///< the figures that follow from the rest are made when asked for
  std::uint64_t sequence = 0;     ///< of the last frame that was merged
  std::uint64_t update_sent = 0;  ///< merges when the Child was last sent the weights
  Played counted;                 ///< of what the Child has told, all that is in the Parent's sum
  std::uint64_t staleness_sum = 0;
  RoundTimeEstimate rounds;
  Clock::time_point since;  ///< of the last merge on this link, or when it joined
  bool merged_on_this_link = false;
  std::vector<float> change_space;  ///< of its last contribution, for the next one
  std::uint64_t place = 0;          ///< of an actor, among those that are connected
};

/// The sessions whose link is gone, until their Children come back. When there are more than kMost, the one
/// that was lost first is forgotten.
class LostSessions {
 public:
  static constexpr std::size_t kMost = 4'096;

  void keep(SessionRecord record);
  /// Nothing when the session is not known, or belongs to a Child that calls itself otherwise.
  std::optional<SessionRecord> take(std::uint64_t session, const std::string& own_name);
  std::size_t size() const { return records_.size(); }
  const std::list<SessionRecord>& records() const { return records_; }

 private:
  std::list<SessionRecord> records_;  // the first that was lost in front
};

}  // namespace genkidama
