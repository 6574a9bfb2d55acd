#include "net/link/peer_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "net/span_text.h"

namespace genkidama {
namespace {

constexpr int kLooks = 8;  // in an idle timeout

}  // namespace

PeerWatch::PeerWatch(Milliseconds idle_timeout, Clock::time_point now)
    : idle_timeout_(idle_timeout),
      period_(std::max<Clock::duration>(Clock::duration(idle_timeout) / kLooks, Milliseconds(1))),
      heard_(now),
      arrived_(now),
      taken_(now),
      spoken_(now),
      pinged_(now - idle_timeout) {}

void PeerWatch::look(const Wire& wire, Clock::time_point now) {
  heard_ = std::max(heard_, wire.heard);
  if (wire.unread > std::exchange(seen_unread_, wire.unread)) arrived_ = now;
  if (wire.written != seen_written_) spoken_ = now;
  seen_written_ = wire.written;
  const std::uint64_t taken = wire.written - std::min(wire.written, wire.unacknowledged);
  if (taken > seen_taken_ && frame_waits()) taken_ = now;
  seen_taken_ = std::max(seen_taken_, taken);
  if (!frame_waits()) {
    frame_waits_since_.reset();
  } else if (!frame_waits_since_) {
    frame_waits_since_ = now;
  }
}

Clock::time_point PeerWatch::quiet_since() const {
  // These happened at some time since the look before: the promise is to notice in time.
  return std::max(heard_, std::max(arrived_, taken_) - period_);
}

std::optional<std::string> PeerWatch::objection(Clock::time_point now) const {
  if (now - quiet_since() >= idle_timeout_) {
    return fmt::format("nothing was heard from the peer for {}", span_text(idle_timeout_));
  }
  if (frame_waits_since_ && now - std::max(*frame_waits_since_, taken_) >= kDeafPatience * idle_timeout_) {
    return fmt::format("the peer took nothing of what it was sent for {}",
                       span_text(kDeafPatience * idle_timeout_));
  }
  return std::nullopt;
}

bool PeerWatch::wants_ping(Clock::time_point now) const {
  const Clock::duration half = Clock::duration(idle_timeout_) / 2;
  return now - std::min(heard_, spoken_) >= half && now - pinged_ >= half;
}

Clock::time_point PeerWatch::next(Clock::time_point now) const {
  Clock::time_point next = std::min(now + period_, quiet_since() + idle_timeout_);
  if (const auto ping = heard_ + Clock::duration(idle_timeout_) / 2; ping > now) next = std::min(next, ping);
  return std::max(next, now + Milliseconds(1));
}

}  // namespace genkidama
