#include "net/shard/learner_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "genkidama/params/weighted_average.h"
#include "net/host/link_host.h"
#include "net/link/peer_watch.h"
#include "net/span_text.h"

namespace genkidama {

LearnerSession::LearnerSession(LearnerSessionOwner& owner, LinkHost& host, std::uint64_t connection)
    : HostedSession(host, connection), owner_(owner), timer_(host.context()) {}

void LearnerSession::send(std::span<const std::byte> gradients, std::size_t count) {
  if (!joined()) return;
  awaited_ = count;
  expect();
  FrameHeader header;
  header.type = FrameType::kLearnerGradients;
  header.session = welcome_.session;
  header.sequence = ++sequence_;
  auto frame = link_->take_frame_buffer();
  encode_frame(header, {}, frame, gradients);
  link_->send_frame(std::move(frame));
}

void LearnerSession::end(const std::string& reason) {
  if (joined()) {
    link_->send_text(encode_message(LeaveMessage{reason}));
    link_->close(reason);
  } else if (phase_ != Phase::kOver) {
    link_->drop(reason);
  }
  phase_ = Phase::kOver;
}

void LearnerSession::on_open() {
  link_->send_text(encode_message(owner_.hello()));
}

void LearnerSession::on_text(std::string_view text) {
  if (phase_ == Phase::kOver) return;
  const auto message = decode_message(text);
  if (!message.ok()) return refuse({RefusalCode::kProtocol, message.reason()});
  if (const auto* refusal = std::get_if<RefuseMessage>(&message.value())) return handle(*refusal);
  const auto* welcome = std::get_if<WelcomeMessage>(&message.value());
  if (welcome != nullptr && phase_ == Phase::kWelcome) return handle(*welcome);
  refuse({RefusalCode::kProtocol,
          fmt::format("a {} message is not expected here", message_type(message.value()))});
}

void LearnerSession::handle(const RefuseMessage& refusal) {
  phase_ = Phase::kOver;
  if (!owner_.session_refused(refusal)) host_.peer_refused(connection_);
  link_->close(fmt::format("the shard refused ({}): {}", refusal_code_text(refusal.code), refusal.reason));
}

void LearnerSession::handle(const WelcomeMessage& welcome) {
  if (auto refusal = owner_.objection(welcome)) return refuse(*refusal);
  welcome_ = welcome;
  phase_ = Phase::kFirstWeights;
  link_->established(std::max(owner_.limits().max_control_bytes,
                              frame_bytes(welcome.slice->size(), fates_bytes(kMostFrameGradients))));
  expect();
}

std::optional<std::string> LearnerSession::objection(const FrameHeader& header) const {
  if (header.type != FrameType::kShardWeights)
    return fmt::format("a frame of type {} from a shard", static_cast<int>(header.type));
  if (header.session != welcome_.session)
    return fmt::format("a frame of session {} in session {}", header.session, welcome_.session);
  if (joined() && awaited_ == 0) return "weights that nobody asked for";
  if (header.sequence != sequence_)
    return fmt::format("the answer to frame {} where that to {} is due", header.sequence, sequence_);
  return std::nullopt;
}

void LearnerSession::on_binary(std::span<const std::byte> frame) {
  if (phase_ == Phase::kOver) return;
  if (phase_ == Phase::kWelcome)
    return refuse({RefusalCode::kProtocol, "a binary message where a welcome is expected"});
  const auto view = view_frame(frame, welcome_.slice->size(), copy_, fates_bytes(awaited_));
  if (!view.ok()) return refuse({RefusalCode::kFrame, view.reason()});
  if (const auto wrong = objection(view.value().header)) return refuse({RefusalCode::kSequence, *wrong});
  auto fates = decode_fates(view.value().extra, awaited_);
  if (!fates.ok()) return refuse({RefusalCode::kFrame, fates.reason()});
  const std::span<const float> weights = view.value().weights;
  if (const std::size_t bad = first_non_finite(weights); bad != weights.size()) {
    return refuse(
        {RefusalCode::kWeights, fmt::format("weight {} of the shard's slice is not a finite number", bad)});
  }
  const std::uint64_t step = view.value().header.update;
  if (joined()) {
    awaited_ = 0;
    owner_.session_answered(step, weights, std::move(fates.value()));
  } else {
    phase_ = Phase::kJoined;
    owner_.session_joined(*this, welcome_, step, weights);
  }
  host_.peer_works(connection_);
}

void LearnerSession::refuse(const RefuseMessage& refusal) {
  phase_ = Phase::kOver;
  link_->send_text(encode_message(refusal));
  link_->close(fmt::format("the peer at {} was refused: {}", link_->address(), refusal.reason));
}

void LearnerSession::expect() {
  expected_since_ = Clock::now();
  // As a rule the timer of an earlier frame still runs, and looks again when it ends.
  if (!is_watching_) watch(expected_since_ + owner_.patience());
}

void LearnerSession::watch(Clock::time_point due) {
  timer_.expires_at(due);
  timer_.async_wait(
      [self = std::static_pointer_cast<LearnerSession>(shared_from_this()), due](ErrorCode error) {
        if (error) return;
        self->is_watching_ = false;
        if (!self->expects()) return;
        const auto now = Clock::now();
        const auto moved = std::max(self->expected_since_, self->link_->last_progress());
        const auto limit = self->owner_.patience();
        // If this process was stopped, what came meanwhile is read first.
        if (now - due >= kStopped) return self->watch(now + kStopped);
        if (now < moved + limit) return self->watch(moved + limit);
        self->link_->drop(fmt::format("nothing of an answer came from the shard for {}", span_text(limit)));
      });
  is_watching_ = true;
}

void LearnerSession::on_closed(const std::string& reason) {
  phase_ = Phase::kOver;
  timer_.cancel();
  owner_.session_closed(*this, reason);
  host_.connection_closed(connection_);
}

}  // namespace genkidama
