#include "net/parent_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include "genkidama/core/log.h"
#include "genkidama/core/version.h"
#include "genkidama/wire/frame.h"
#include "net/admission.h"

namespace genkidama {
namespace {

constexpr std::size_t kSmallMessageBytes = 4096;  // leave, with the longest reason

double seconds(Milliseconds span) {
  return static_cast<double>(span.count()) / 1000;
}

}  // namespace

ParentSession::ParentSession(const ParentContext& context, std::uint64_t session,
                             std::function<void()> merged, Closed closed)
    : context_(context), session_(session), merged_(std::move(merged)), closed_(std::move(closed)) {}

void ParentSession::start(tcp::socket socket, const std::optional<Endpoint>& dialled) {
  from_ = remote_address(socket);
  link_ = Link::make(std::move(socket), context_.link, context_.options.limits.max_control_bytes,
                     weak_from_this(), dialled);
  link_->open();
}

void ParentSession::end(const std::string& reason) {
  stopping_ = true;
  if (joined()) {
    link_->send_text(encode_message(EndMessage{reason}));
    link_->close(reason);
  } else {
    link_->drop(reason);
  }
}

void ParentSession::on_text(std::string_view text) {
  if (phase_ == Phase::kOver) return;
  const auto message = decode_message(text);
  if (!message.ok()) {
    refuse_peer(RefusalCode::kProtocol, message.reason());
  } else if (const auto* hello = std::get_if<HelloMessage>(&message.value());
             hello && phase_ == Phase::kHello) {
    join(*hello);
  } else if (const auto* leave = std::get_if<LeaveMessage>(&message.value()); leave && joined()) {
    phase_ = Phase::kOver;
    link_->close("it left: " + leave->reason);
  } else if (const auto* refusal = std::get_if<RefuseMessage>(&message.value())) {
    if (phase_ == Phase::kHello) counted_as_refused_ = true;
    const std::string reason = "the Child refused: " + refusal->reason;
    if (phase_ == Phase::kHello) context_.state.peer_refused(reason);
    phase_ = Phase::kOver;
    link_->close(reason);
  } else {
    refuse_peer(RefusalCode::kProtocol,
                fmt::format("a {} message is not expected here", message_type(message.value())));
  }
}

std::string ParentSession::offender(const std::string& name) const {
  return name + " " + from_.to_string();
}

void ParentSession::refuse_weights(const std::string& reason) {
  const Milliseconds span = context_.quarantine.punish(offender(child_), Clock::now());
  log(LogLevel::kWarning, "parent: the weights of '{}' ({}) were refused, and it for {:.0f} s: {}", child_,
      link_->address(), seconds(span), reason);
  refuse_update(RefusalCode::kWeights, reason);
}

void ParentSession::join(const HelloMessage& hello) {
  if (const auto left = context_.quarantine.left(offender(hello.name), Clock::now());
      left > Milliseconds::zero()) {
    // Busy: it may come again.
    refuse_peer(RefusalCode::kBusy,
                fmt::format("'{}' is in quarantine for {:.0f} s more: its weights were refused", hello.name,
                            std::ceil(seconds(left))),
                PeerFault::kQuarantine);
    return;
  }
  if (const auto difference = context_.layout.difference(hello.layout)) {
    refuse_peer(RefusalCode::kLayout,
                fmt::format("a different network: {} ('here' is the Parent '{}', 'there' the Child '{}')",
                            *difference, context_.options.name, hello.name));
    return;
  }
  phase_ = Phase::kJoined;
  counted_as_joined_ = true;
  child_ = hello.name;
  link_->established(std::max(frame_bytes(context_.layout.size()), kSmallMessageBytes));
  context_.state.joined({child_, link_->address(), session_, 0, hello.environment_steps},
                        hello.environment_steps);
  log(LogLevel::kInfo, "parent: '{}' ({}) joined as session {}", child_, link_->address(), session_);
  WelcomeMessage welcome;
  welcome.name = context_.options.name;
  welcome.run_id = context_.options.run_id;
  welcome.library = std::string("genkidama ") + kVersion;
  welcome.session = session_;
  welcome.update = context_.state.updates();
  link_->send_text(encode_message(welcome));
  send_weights(0);
}

void ParentSession::on_binary(std::span<const std::byte> frame) {
  if (phase_ == Phase::kOver) return;
  if (!joined()) {
    refuse_peer(RefusalCode::kProtocol, "a binary message where a hello is expected");
    return;
  }
  const auto view = view_frame(frame, context_.layout.size(), copy_);
  if (!view.ok()) {
    refuse_update(RefusalCode::kFrame, view.reason());
    return;
  }
  const FrameHeader& header = view.value().header;
  if (header.type != FrameType::kChildWeights) {
    refuse_update(RefusalCode::kFrame, "a Parent's weights, sent to the Parent");
  } else if (header.session != session_) {
    refuse_update(RefusalCode::kSequence,
                  fmt::format("a frame of session {} in session {}", header.session, session_));
  } else if (header.sequence != next_sequence_) {
    refuse_update(RefusalCode::kSequence,
                  fmt::format("sequence {} where {} is next", header.sequence, next_sequence_));
  } else if (const auto objection = context_.state.objection(view.value().weights)) {
    refuse_weights(*objection);
  } else {
    merge(view.value());
  }
}

void ParentSession::merge(const FrameView& frame) {
  const std::uint64_t staleness = context_.state.updates() - update_sent_;
  context_.state.merge(frame.header, frame.weights);
  ++next_sequence_;
  // The Child waits, the observer does not.
  send_weights(frame.header.sequence);
  observe(frame.header, staleness);
  merged_();
}

void ParentSession::observe(const FrameHeader& frame, std::uint64_t staleness) {
  if (!context_.observer) return;
  ParentUpdate update;
  update.update = context_.state.updates();
  update.child = child_;
  update.session = session_;
  update.sequence = frame.sequence;
  update.environment_steps = frame.environment_steps;
  update.episodes = frame.episodes;
  update.mean_return = frame.mean_return;
  update.staleness = staleness;
  update.weights = context_.state.current();
  try {
    context_.observer(update);
  } catch (const std::exception& error) {
    log(LogLevel::kError, "parent: the on_update observer threw at update {}: {}", update.update,
        error.what());
  } catch (...) {
    log(LogLevel::kError, "parent: the on_update observer threw at update {}", update.update);
  }
}

void ParentSession::send_weights(std::uint64_t sequence) {
  FrameHeader header;
  header.type = FrameType::kParentWeights;
  header.session = session_;
  header.sequence = sequence;
  header.update = update_sent_ = context_.state.updates();
  auto frame = link_->take_frame_buffer();
  encode_frame(header, context_.state.current(), frame);
  link_->send_frame(std::move(frame));
}

void ParentSession::refuse_peer(RefusalCode code, const std::string& reason, PeerFault fault) {
  context_.state.peer_refused(reason, fault);
  counted_as_refused_ = true;
  refuse(code, reason);
}

void ParentSession::refuse_update(RefusalCode code, const std::string& reason) {
  context_.state.update_refused(reason);
  refuse(code, reason);
}

void ParentSession::refuse(RefusalCode code, const std::string& reason) {
  phase_ = Phase::kOver;
  link_->send_text(encode_message(RefuseMessage{code, reason}));
  link_->close("refused: " + reason);
}

void ParentSession::on_closed(const std::string& reason) {
  phase_ = Phase::kOver;
  if (counted_as_joined_) {
    context_.state.left(session_);
    log(LogLevel::kInfo, "parent: '{}' (session {}) is gone: {}", child_, session_, reason);
  } else if (!stopping_) {
    if (!counted_as_refused_) context_.state.peer_refused(reason, link_->fault());
    context_.refusal_log.warn(fmt::format("parent: {} did not join: {}", link_->address(), reason));
  }
  closed_(session_);
}

}  // namespace genkidama
