#pragma once

// Times in which nothing crosses a link, although neither end is away.

#include "genkidama/core/clock.h"
#include "genkidama/core/export.h"
#include "genkidama/sim/simulation.h"
#include "sim/pipe.h"

namespace genkidama::sim {

/// Of one link. What is sent during a partition arrives after it, as TCP sends it again: 200 ms or two round
/// trips after the link went dead, then after twice as long again and again, at most 120 s. A peer that is
/// silent for longer than the links' idle timeout is taken for gone by both ends.
class GENKIDAMA_EXPORT Partitions {
 public:
  explicit Partitions(const LinkModel& link);

  /// When a transfer that begins at `sent`, and would be there at `due`, is there.
  Clock::time_point arrival(Clock::time_point sent, Clock::time_point due) const;
  /// When the link is there, at `moment` or after the partition that it lies in.
  Clock::time_point connected_at(Clock::time_point moment) const;

  /// Whether a partition of this link outlasts the idle timeout: then each of them ends the connection.
  bool break_links() const { return break_links_; }
  /// When both ends take a connection for lost that is there at `moment`. The partitions must break links.
  Clock::time_point lost_at(Clock::time_point moment) const;

 private:
  /// The first one that ends after `moment`. There must be partitions.
  Passage next(Clock::time_point moment) const;
  /// When TCP sends again first, after the partition, what it has sent at `sent`.
  Clock::time_point sent_again(Clock::time_point sent, Clock::time_point end) const;

  Clock::duration connected_{}, partition_{}, first_timeout_{};
  bool break_links_ = false;
};

}  // namespace genkidama::sim
