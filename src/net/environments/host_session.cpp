#include "net/environments/host_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "core/failpoint.h"
#include "genkidama/core/error.h"
#include "genkidama/core/version.h"
#include "net/environments/environment_description.h"
#include "net/host/link_host.h"
#include "net/link/peer_watch.h"
#include "net/span_text.h"

namespace genkidama {
namespace {

constexpr std::size_t kSmallMessageBytes = 4096;  // leave, with the longest reason

}  // namespace

HostSession::HostSession(HostSessionOwner& owner, LinkHost& host, std::uint64_t connection)
    : HostedSession(host, connection),
      owner_(owner),
      rows_(most_environment_rows(request_row_bytes(owner.sizes()))),
      timer_(host.context()) {}

void HostSession::ask(std::size_t place, const EnvironmentSlots::Request& request,
                      std::span<const float> action) {
  Place& of = places_[place];
  of.owed = {request.ticket, request.is_reset};
  if (owing_++ == 0) expect();
  EnvironmentRequest row;
  row.environment = static_cast<std::uint16_t>(place);
  row.ticket = ++of.ticket;
  row.is_reset = request.is_reset;
  row.seed = request.seed;
  row.action = action;
  rows_.add(row);
}

void HostSession::flush() {
  if (!joined() || rows_.is_empty() || link_->sending_frame()) return;
  auto frame = rows_.take(link_->take_frame_buffer());
  owner_.frame_sent(frame.size());
  link_->send_frame(std::move(frame));
}

void HostSession::end(const std::string& reason) {
  if (joined()) link_->send_text(encode_message(EndMessage{reason}));
  phase_ = Phase::kOver;
  link_->close(reason);
}

void HostSession::on_text(std::string_view text) {
  if (phase_ == Phase::kOver) return;
  if (phase_ == Phase::kHello && is_environment_hello(text)) {
    const auto hello = decode_environment_hello(text);
    if (!hello.ok()) return refuse({RefusalCode::kProtocol, hello.reason()});
    return join(hello.value());
  }
  const auto message = decode_message(text);
  if (!message.ok()) return refuse({RefusalCode::kProtocol, message.reason()});
  on_message(message.value());
}

void HostSession::on_message(const Message& message) {
  if (const auto* refusal = std::get_if<RefuseMessage>(&message)) {
    phase_ = Phase::kOver;
    link_->close("the host refused: " + refusal->reason);
  } else if (const auto* leave = std::get_if<LeaveMessage>(&message); leave && joined()) {
    phase_ = Phase::kOver;
    link_->close("it left: " + leave->reason);
  } else if (std::holds_alternative<HelloMessage>(message) && phase_ == Phase::kHello) {
    refuse({RefusalCode::kProtocol,
            fmt::format("this is a server of environments, whose exchange is '{}', and the peer asks for "
                        "'{}'; connect an environment-host to it, and a Child to a Parent",
                        kEnvironmentsExchange, std::get<HelloMessage>(message).exchange)});
  } else {
    refuse({RefusalCode::kProtocol, fmt::format("a {} message is not expected here", message_type(message))});
  }
}

void HostSession::join(const EnvironmentHello& hello) {
  const auto different =
      environment_difference(owner_.description(), fmt::format("at the server '{}'", owner_.options().name),
                             hello.environment, fmt::format("at the host '{}'", hello.name));
  if (different) {
    return refuse(
        {RefusalCode::kLayout,
         fmt::format("what is played differs: {}; give both the same task and options", *different)});
  }
  hello_ = hello;
  places_.resize(static_cast<std::size_t>(hello.environments));
  phase_ = Phase::kJoined;
  was_joined_ = true;
  const std::size_t row = answer_row_bytes(owner_.sizes());
  const std::size_t rows = std::min(places_.size(), most_environment_rows(row));
  link_->established(std::max(kSmallMessageBytes, kEnvironmentHeaderBytes + rows * row));
  WelcomeMessage welcome;
  welcome.name = owner_.options().name;
  welcome.library = std::string("genkidama ") + kVersion;
  welcome.session = connection_;
  welcome.exchange = kEnvironmentsExchange;
  link_->send_text(encode_message(welcome));
  owner_.session_joined(*this);
}

std::optional<RefuseMessage> HostSession::objection(const EnvironmentAnswer& row) {
  const auto refuse = [&row](const std::string& problem) {
    return RefuseMessage{RefusalCode::kSequence,
                         fmt::format("an answer of environment {} {}", row.environment, problem)};
  };
  if (row.environment >= places_.size()) return refuse(fmt::format("of a host with {}", places_.size()));
  Place& of = places_[row.environment];
  if (of.owed.ticket == 0) return refuse("that was not asked for");
  if (std::exchange(of.looked_at, frames_) == frames_) return refuse("that has answered already");
  if (row.ticket != of.ticket)
    return refuse(fmt::format("with ticket {} where {} is due", row.ticket, of.ticket));
  if (row.is_reset != of.owed.is_reset)
    return refuse(of.owed.is_reset ? "that is to begin an episode, and played a step"
                                   : "that is to play a step, and began an episode");
  if (row.mask.empty()) return std::nullopt;
  try {
    check_action_mask("its mask", owner_.spec().action_space, row.mask);
  } catch (const ArgumentError& error) {
    return RefuseMessage{RefusalCode::kFrame, error.what()};
  }
  return std::nullopt;
}

void HostSession::on_binary(std::span<const std::byte> frame) {
  if (phase_ == Phase::kOver) return;
  if (phase_ == Phase::kHello)
    return refuse({RefusalCode::kProtocol, "a binary message where a hello is expected"});
  ++frames_;
  const auto rows = decode_environment_answers(frame, owner_.sizes(), values_);
  if (!rows.ok()) return refuse({RefusalCode::kFrame, rows.reason()});
  // All of them, before any is believed.
  for (const EnvironmentAnswer& row : rows.value()) {
    if (const auto refusal = objection(row)) return refuse(*refusal);
  }
  GENKIDAMA_FAILPOINT("server_received");
  owing_ -= rows.value().size();
  expected_since_ = Clock::now();
  owner_.session_received(*this, rows.value(), frame.size());
  for (const EnvironmentAnswer& row : rows.value()) {
    const std::uint64_t ticket = std::exchange(places_[row.environment].owed, Owed()).ticket;
    owner_.session_answered(*this, row.environment, ticket, row);
  }
  flush();
}

void HostSession::refuse(const RefuseMessage& refusal) {
  was_refused_ = true;
  phase_ = Phase::kOver;
  if (was_joined_) {
    owner_.frame_refused(refusal.reason);
  } else {
    owner_.peer_refused(refusal.reason);
    host_.peer_refused(connection_);
  }
  link_->send_text(encode_message(refusal));
  link_->close("refused: " + refusal.reason);
}

void HostSession::expect() {
  expected_since_ = Clock::now();
  // As a rule the timer of an earlier request still runs, and looks again when it ends.
  if (!is_watching_) watch(expected_since_ + owner_.options().answer_timeout);
}

void HostSession::watch(Clock::time_point due) {
  timer_.expires_at(due);
  timer_.async_wait([self = std::static_pointer_cast<HostSession>(shared_from_this()), due](ErrorCode error) {
    if (error) return;
    self->is_watching_ = false;
    if (self->owing_ == 0 || !self->joined()) return;
    const auto now = Clock::now();
    const auto limit = self->owner_.options().answer_timeout;
    const auto moved = std::max(self->expected_since_, self->link_->last_progress());
    // If this process was stopped, what came meanwhile is read first.
    if (now - due >= kStopped) return self->watch(now + kStopped);
    if (now < moved + limit) return self->watch(moved + limit);
    self->link_->drop(fmt::format("nothing of an answer came from the host for {}", span_text(limit)));
  });
  is_watching_ = true;
}

void HostSession::on_closed(const std::string& reason) {
  phase_ = Phase::kOver;
  timer_.cancel();
  if (was_joined_) {
    owner_.session_closed(*this, reason);
  } else if (!host_.ending()) {
    try {
      if (!was_refused_) owner_.peer_refused(reason);
      owner_.warn(from().to_string() + reason,
                  fmt::format("{}: {} did not join: {}", owner_.options().name, link_->address(), reason));
    } catch (const std::exception&) {
      // Out of memory: it goes without a word.
    }
  }
  host_.connection_closed(connection_);
}

}  // namespace genkidama
