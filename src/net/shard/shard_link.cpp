#include "net/shard/shard_link.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <exception>
#include <utility>

#include "genkidama/core/log.h"

namespace genkidama {
namespace {

// Links in a row on which a shard must have refused this learner's network or protocol before it is believed:
// without TLS a bit that was flipped on the way can make a sound hello look like another one's.
constexpr int kBelievedRefusals = 3;

HostOptions host_options(const ShardLinksOptions& options, std::size_t index) {
  HostOptions host;
  host.who = fmt::format("learner '{}'", options.name);
  host.peer = "shard";
  host.connect = {options.connect[index]};
  host.limits = options.limits;
  host.security = options.security;
  host.backoff_min = options.backoff_min;
  host.backoff_max = options.backoff_max;
  return host;
}

std::string slice_text(const WeightSlice& slice) {
  return fmt::format("slice {} of {} (weights from {} to before {})", slice.number, slice.count, slice.begin,
                     slice.end);
}

}  // namespace

ShardLink::ShardLink(const ShardLinksOptions& options, const HelloMessage& hello,
                     const ParameterLayout& layout, ShardBoard& board, std::size_t index)
    : options_(options),
      hello_(hello),
      layout_(layout),
      board_(board),
      place_(board.places[index]),
      where_(options.connect[index].text()),
      host_(host_options(options, index), *this) {}

ShardLink::~ShardLink() {
  host_.shut_down("the learner has ended");
}

void ShardLink::send(std::uint64_t link, std::shared_ptr<const std::vector<std::byte>> gradients,
                     std::size_t count) {
  host_.post([this, link, gradients = std::move(gradients), count] {
    {
      const std::lock_guard lock(board_.mutex);
      if (current_ == nullptr || place_.link != link) return;
    }
    try {
      current_->send(*gradients, count);
    } catch (const std::exception&) {
      // The thread that learns waits for an answer, or for the end of the link.
      current_->abandon();
    }
  });
}

// The io thread.

std::shared_ptr<HostedSession> ShardLink::make_session(std::uint64_t connection) {
  LearnerSessionOwner& owner = *this;
  return std::make_shared<LearnerSession>(owner, host_, connection);
}

void ShardLink::note_failure(const std::string& reason) {
  {
    const std::lock_guard lock(board_.mutex);
    place_.last_failure = reason;
  }
  board_.changed.notify_all();
}

void ShardLink::dial_failed(const std::string& reason) {
  note_failure(reason);
  const LogLevel level = std::exchange(has_told_failure_, true) ? LogLevel::kDebug : LogLevel::kInfo;
  log(level, "learner '{}': {}; it goes on trying", options_.name, reason);
}

std::optional<RefuseMessage> ShardLink::objection(const WelcomeMessage& welcome) {
  auto refusal = objection_to(welcome);
  if (refusal) {
    warnings_.warn(fmt::format("learner '{}': the shard at {} cannot be used, and is asked again: {}",
                               options_.name, where_, refusal->reason));
  }
  return refusal;
}

std::optional<RefuseMessage> ShardLink::objection_to(const WelcomeMessage& welcome) const {
  const auto refuse = [](RefusalCode code, std::string reason) {
    return RefuseMessage{code, std::move(reason)};
  };
  if (welcome.exchange != kGradientsExchange || !welcome.slice) {
    return refuse(RefusalCode::kProtocol,
                  fmt::format("the peer's exchange is '{}', and it owns {} slice; "
                              "expected a shard, whose exchange is '{}'",
                              welcome.exchange, welcome.slice ? "a" : "no", kGradientsExchange));
  }
  const WeightSlice& slice = *welcome.slice;
  if (slice.count > layout_.size() || slice != weight_slice(layout_.size(), slice.number, slice.count)) {
    return refuse(RefusalCode::kLayout, fmt::format("the shard owns {}, which is no slice of {} weights",
                                                    slice_text(slice), layout_.size()));
  }
  const std::lock_guard lock(board_.mutex);
  if (!place_.slice) return std::nullopt;
  if (*place_.slice != slice) {
    return refuse(RefusalCode::kLayout, fmt::format("the shard owns {}, and the one that was here before {}",
                                                    slice_text(slice), slice_text(*place_.slice)));
  }
  if (place_.run_id != welcome.run_id) {
    return refuse(RefusalCode::kProtocol,
                  fmt::format("the shard's run is {}, and that of the one that was here before {}; start the "
                              "shard again in its own directory",
                              welcome.run_id, place_.run_id));
  }
  return std::nullopt;
}

void ShardLink::session_joined(LearnerSession& session, const WelcomeMessage& welcome, std::uint64_t step,
                               std::span<const float> weights) {
  assert(host_.is_io_thread());
  current_ = &session;
  refusals_in_a_row_ = 0;
  has_told_failure_ = false;
  std::uint64_t links = 0, seen = 0;
  Clock::duration away{};
  {
    const std::lock_guard lock(board_.mutex);
    place_.slice = welcome.slice;
    place_.run_id = welcome.run_id;
    place_.weights.assign(weights.begin(), weights.end());
    seen = std::exchange(place_.step, step);
    links = ++place_.link;
    place_.awaited = 0;
    place_.is_joined = true;
    away = Clock::now() - place_.away_since;
  }
  board_.changed.notify_all();
  if (links == 1) {
    log(LogLevel::kInfo, "learner '{}': joined shard {} of {} at {} (run {}, step {})", options_.name,
        welcome.slice->number, welcome.slice->count, where_, welcome.run_id, step);
  } else if (step < seen) {
    log(LogLevel::kWarning,
        "learner '{}': shard {} of {} at {} came back from an older state: it is at step {}, and step {} was "
        "seen before; its last {} steps are lost, and learning goes on from its weights",
        options_.name, welcome.slice->number, welcome.slice->count, where_, step, seen, seen - step);
  } else {
    log(LogLevel::kInfo, "learner '{}': shard {} of {} at {} is back at step {} after {:.3g} s",
        options_.name, welcome.slice->number, welcome.slice->count, where_, step,
        std::chrono::duration<double>(away).count());
  }
}

void ShardLink::session_answered(std::uint64_t step, std::span<const float> weights,
                                 std::vector<GradientFate> fates) {
  {
    const std::lock_guard lock(board_.mutex);
    place_.weights.assign(weights.begin(), weights.end());
    place_.step = step;
    place_.fates = std::move(fates);
    place_.awaited = 0;
  }
  board_.changed.notify_all();
}

bool ShardLink::session_refused(const RefuseMessage& refusal) {
  const bool may_pass = refusal.code != RefusalCode::kWeights;
  const bool is_about_us = refusal.code == RefusalCode::kProtocol || refusal.code == RefusalCode::kLayout;
  if (may_pass && (!is_about_us || ++refusals_in_a_row_ < kBelievedRefusals)) {
    warnings_.warn(fmt::format(
        "learner '{}': the shard at {} refused this learner ({}{}), which tries again: {}", options_.name,
        where_, refusal_code_text(refusal.code),
        is_about_us ? fmt::format(", {} of {} times in a row", refusals_in_a_row_, kBelievedRefusals) : "",
        refusal.reason));
    return false;
  }
  host_.stop_dialling();
  {
    const std::lock_guard lock(board_.mutex);
    place_.refusal = refusal.reason;
  }
  board_.changed.notify_all();
  return true;
}

void ShardLink::session_closed(LearnerSession& session, const std::string& reason) {
  assert(host_.is_io_thread());
  const bool was_joined = current_ == &session;
  if (was_joined) {
    current_ = nullptr;
    const std::lock_guard lock(board_.mutex);
    place_.is_joined = false;
    place_.away_since = Clock::now();
  }
  try {
    note_failure(reason);
    if (host_.ending()) return;
    if (was_joined) {
      const bool waits = options_.when_away == ShardAway::kWait;
      log(LogLevel::kWarning, "learner '{}': the shard at {} is away: {}; {}", options_.name, where_, reason,
          waits ? fmt::format("learning waits for it, at most {:g} s",
                              std::chrono::duration<double>(options_.away_timeout).count())
                : "learning goes on with the weights of its slice as they are");
    } else if (session.fault() != PeerFault::kNone) {
      warnings_.warn(
          fmt::format("learner '{}': no link to the shard at {}: {}", options_.name, where_, reason));
    }
  } catch (const std::exception&) {
    // Out of memory: it goes without a word.
    board_.changed.notify_all();
  }
}

}  // namespace genkidama
