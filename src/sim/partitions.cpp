#include "sim/partitions.h"

#include <algorithm>

#include "genkidama/net/limits.h"
#include "sim/event_queue.h"

namespace genkidama::sim {
namespace {

constexpr Clock::duration kMostTimeout = std::chrono::seconds(120);  // RFC 6298 with the limit of Linux
constexpr double kRoundTripsOfTimeout = 2;
// A transfer that needs more of them, on a link that hardly ever works, is taken for done.
constexpr int kMostPartitions = 1'000;

}  // namespace

Partitions::Partitions(const LinkModel& link)
    : connected_(span_of(link.connected_seconds)),
      partition_(span_of(link.partition_seconds)),
      first_timeout_(span_of(std::max(kLeastTimeout, kRoundTripsOfTimeout * 2 * link.latency_seconds))) {
  if (partition_ <= Clock::duration::zero()) return;
  const Clock::time_point silent = kBeginning + connected_;
  const Clock::time_point heard = sent_again(silent, silent + partition_) + span_of(link.latency_seconds);
  break_links_ = heard - silent > LinkLimits().idle_timeout;
}

Passage Partitions::next(Clock::time_point moment) const {
  const Clock::duration period = connected_ + partition_;
  // The first one begins after connected_, and the last moment of each is outside.
  const auto passed = std::max((moment - kBeginning) / period, Clock::rep{0});
  const Clock::time_point begin = kBeginning + passed * period + connected_;
  return {begin, begin + partition_};
}

Clock::time_point Partitions::sent_again(Clock::time_point sent, Clock::time_point end) const {
  Clock::duration timeout = first_timeout_;
  while (sent < end) {
    sent += timeout;
    timeout = std::min(2 * timeout, std::max(kMostTimeout, first_timeout_));
  }
  return sent;
}

Clock::time_point Partitions::arrival(Clock::time_point sent, Clock::time_point due) const {
  if (partition_ <= Clock::duration::zero()) return due;
  Passage dead = next(sent);
  for (int i = 0; i < kMostPartitions && dead.first < due; ++i, dead = next(sent)) {
    const Clock::time_point stopped = std::max(sent, dead.first);
    const Clock::duration rest = due - stopped;
    sent = sent_again(stopped, dead.last);
    due = sent + rest;
  }
  return due;
}

Clock::time_point Partitions::connected_at(Clock::time_point moment) const {
  if (partition_ <= Clock::duration::zero()) return moment;
  const Passage dead = next(moment);
  return dead.first <= moment ? dead.last : moment;
}

Clock::time_point Partitions::lost_at(Clock::time_point moment) const {
  return next(moment).first + LinkLimits().idle_timeout;
}

}  // namespace genkidama::sim
