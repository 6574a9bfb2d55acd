#include "net/parent/parent_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include "core/failpoint.h"
#include "genkidama/core/log.h"
#include "genkidama/core/version.h"
#include "genkidama/wire/frame.h"
#include "net/host/admission.h"
#include "net/try_log.h"

namespace genkidama {
namespace {

constexpr std::size_t kSmallMessageBytes = 4096;  // leave, with the longest reason

double seconds(Milliseconds span) {
  return static_cast<double>(span.count()) / 1000;
}

}  // namespace

ParentSession::ParentSession(const ParentContext& context, std::uint64_t connection,
                             std::function<void()> merged, Closed closed)
    : context_(context), connection_(connection), merged_(std::move(merged)), closed_(std::move(closed)) {}

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
    over_for_good_ = true;
    link_->close("it left: " + leave->reason);
  } else if (const auto* refusal = std::get_if<RefuseMessage>(&message.value())) {
    if (phase_ == Phase::kHello) counted_as_refused_ = true;
    const std::string reason = "the Child refused: " + refusal->reason;
    // It has lost the thread too.
    over_for_good_ = refusal->code == RefusalCode::kSequence;
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
  over_for_good_ = true;
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
  child_ = hello.name;
  const auto resumed = resume(hello);
  if (resumed) {
    next_sequence_ = *resumed + 1;
  } else if (const auto number = context_.numbers.next()) {
    session_ = *number;
    ChildStatus status;
    status.name = child_;
    status.address = link_->address();
    status.session = session_;
    status.environment_steps = hello.environment_steps;
    context_.state.joined(status, hello.environment_steps);
    counted_as_joined_ = true;
    log(LogLevel::kInfo, "parent: '{}' ({}) joined as session {}", child_, link_->address(), session_);
  } else {
    refuse_peer(RefusalCode::kBusy, "this Parent has no session numbers left; start it again");
    return;
  }
  phase_ = Phase::kJoined;
  link_->established(std::max(frame_bytes(context_.layout.size()), kSmallMessageBytes));
  WelcomeMessage welcome;
  welcome.name = context_.options.name;
  welcome.run_id = context_.options.run_id;
  welcome.library = std::string("genkidama ") + kVersion;
  welcome.session = session_;
  welcome.update = context_.state.updates();
  welcome.sequence = resumed;
  link_->send_text(encode_message(welcome));
  send_weights(0);
}

std::optional<std::uint64_t> ParentSession::find_resumed(const HelloMessage& hello, std::string& objection) {
  const SessionMark& mark = *hello.resume;
  if (hello.run_id != context_.options.run_id) {
    objection = "it is of another run";
    return std::nullopt;
  }
  if (SessionNumbers::epoch_of(mark.session) != context_.numbers.epoch()) {
    objection = "it is of another start of this Parent";
    return std::nullopt;
  }
  // The Child may have noticed first that their link was lost.
  context_.free_session(mark.session, hello.name);
  const auto merged = context_.state.rejoined(mark.session, hello.name, link_->address());
  if (!merged) objection = "it is not known, or another Child's";
  return merged;
}

std::optional<std::uint64_t> ParentSession::resume(const HelloMessage& hello) {
  if (!hello.resume) return std::nullopt;
  std::string objection;
  const auto merged = find_resumed(hello, objection);
  if (!merged) {
    log(LogLevel::kInfo, "parent: '{}' cannot go on with session {}: {}", hello.name, hello.resume->session,
        objection);
    return std::nullopt;
  }
  session_ = hello.resume->session;
  counted_as_joined_ = true;
  log(LogLevel::kInfo, "parent: '{}' ({}) goes on with session {}; it had sent {}, and {} was merged last",
      hello.name, link_->address(), session_, hello.resume->sequence, *merged);
  return merged;
}

std::string ParentSession::foreign_session(std::uint64_t session) const {
  const std::uint64_t epoch = SessionNumbers::epoch_of(session);
  if (epoch < context_.numbers.epoch()) {
    return fmt::format(
        "a frame of an earlier start of this Parent (session {} of epoch {}; this is epoch {})", session,
        epoch, context_.numbers.epoch());
  }
  return fmt::format("a frame of session {} in session {}", session, session_);
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
    over_for_good_ = true;
    refuse_update(RefusalCode::kSequence, foreign_session(header.session));
  } else if (header.sequence != next_sequence_) {
    over_for_good_ = true;
    refuse_update(RefusalCode::kSequence,
                  fmt::format("sequence {} where {} is next", header.sequence, next_sequence_));
  } else if (const auto objection = context_.state.objection(view.value().weights)) {
    refuse_weights(*objection);
  } else {
    merge(view.value());
  }
}

void ParentSession::merge(const FrameView& frame) {
  const MergeReport report = context_.state.merge(frame.header, frame.weights);
  if (!report.failure.empty()) {
    context_.fail(report.failure);
    return;
  }
  ++next_sequence_;
  GENKIDAMA_FAILPOINT("parent_merged");
  // The Child waits, the observer does not.
  send_weights(frame.header.sequence);
  GENKIDAMA_FAILPOINT("parent_answered");
  if (report.was_late) {
    log(LogLevel::kInfo, "parent: child '{}' is back after {:.3g} s", child_, report.was_late->silence);
  }
  observe(frame.header, report.staleness);
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
  header.update = context_.state.updates();
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

void ParentSession::part(const std::string& reason) {
  counted_as_joined_ = false;
  parted_ = true;
  std::string summary;
  try {
    summary = context_.state.summary(session_);
  } catch (const std::exception&) {
    // Out of memory: left out of the log.
  }
  context_.state.left(session_, over_for_good_);
  try_log(LogLevel::kInfo, "parent: '{}' (session {}) is gone: {} ({})", child_, session_, reason, summary);
}

void ParentSession::hand_over() {
  const std::string reason = "its session goes on on another link";
  part(reason);
  // Should somebody read it: not the one who went on, who must not take the session back.
  refuse(RefusalCode::kSequence, reason);
}

void ParentSession::on_closed(const std::string& reason) {
  phase_ = Phase::kOver;
  try {
    if (counted_as_joined_) {
      part(reason);
    } else if (!stopping_ && !parted_) {
      if (!counted_as_refused_) context_.state.peer_refused(reason, link_->fault());
      context_.refusal_log.warn(fmt::format("parent: {} did not join: {}", link_->address(), reason));
    }
  } catch (const std::exception&) {
    // Out of memory: it goes without a word.
  }
  closed_(connection_);
}

void ParentSession::abandon() {
  if (link_) link_->drop(kNoMemory);
}

void ParentSession::drop_if_lost() {
  if (link_) link_->drop_if_lost();
}

}  // namespace genkidama
