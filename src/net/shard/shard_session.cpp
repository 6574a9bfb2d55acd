#include "net/shard/shard_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "core/failpoint.h"
#include "genkidama/core/log.h"
#include "genkidama/core/version.h"
#include "net/host/link_host.h"
#include "net/peer_difference.h"
#include "net/try_log.h"

namespace genkidama {
namespace {

constexpr std::size_t kSmallMessageBytes = 4096;  // leave, with the longest reason

}  // namespace

ShardSession::ShardSession(ShardSessionOwner& owner, LinkHost& host, std::uint64_t connection)
    : HostedSession(host, connection), owner_(owner) {}

void ShardSession::end(const std::string& reason) {
  phase_ = Phase::kOver;
  link_->close(reason);
}

void ShardSession::on_text(std::string_view text) {
  if (phase_ == Phase::kOver) return;
  const auto message = decode_message(text);
  if (!message.ok()) return refuse({RefusalCode::kProtocol, message.reason()});
  const auto* hello = std::get_if<HelloMessage>(&message.value());
  if (phase_ == Phase::kHello && hello != nullptr) {
    join(*hello);
  } else {
    on_message(message.value());
  }
}

void ShardSession::on_message(const Message& message) {
  if (const auto* refusal = std::get_if<RefuseMessage>(&message)) {
    phase_ = Phase::kOver;
    link_->close("the learner refused: " + refusal->reason);
  } else if (const auto* leave = std::get_if<LeaveMessage>(&message); leave && joined()) {
    phase_ = Phase::kOver;
    link_->close("it left: " + leave->reason);
  } else {
    refuse({RefusalCode::kProtocol, fmt::format("a {} message is not expected here", message_type(message))});
  }
}

std::optional<RefuseMessage> ShardSession::objection(const HelloMessage& hello) const {
  if (hello.exchange != kGradientsExchange) {
    return RefuseMessage{RefusalCode::kProtocol,
                         fmt::format("this is a shard, whose exchange is '{}', and the peer asks for '{}'; "
                                     "connect a Child to a Parent, and a learner with shards to this",
                                     kGradientsExchange, hello.exchange)};
  }
  const ShardOptions& options = owner_.options();
  const PeerSides sides{fmt::format("at the shard '{}'", options.name),
                        fmt::format("at the learner '{}'", hello.name)};
  auto different = owner_.layout().difference(hello.layout, sides.own, sides.peer);
  if (!different) different = difference_of_policy(options.policy, hello.policy, sides);
  if (!different) different = difference_of_text("the optimizer", options.optimizer, hello.optimizer, sides);
  if (!different) return std::nullopt;
  return RefuseMessage{
      RefusalCode::kLayout,
      fmt::format("what is trained differs: {}; give both the same task and options", *different)};
}

void ShardSession::join(const HelloMessage& hello) {
  if (auto refusal = objection(hello)) return refuse(*refusal);
  const ShardOptions& options = owner_.options();
  name_ = hello.name;
  phase_ = Phase::kJoined;
  was_joined_ = true;
  owner_.state().joined(connection_, name_, link_->address());
  const std::size_t slice = options.slice.size();
  link_->established(
      std::max(kSmallMessageBytes, kFrameHeaderBytes + gradients_bytes(most_frame_gradients(slice), slice)));
  WelcomeMessage welcome;
  welcome.name = options.name;
  welcome.run_id = options.run_id;
  welcome.library = std::string("genkidama ") + kVersion;
  welcome.session = connection_;
  welcome.update = owner_.state().steps();
  welcome.exchange = kGradientsExchange;
  welcome.slice = options.slice;
  link_->send_text(encode_message(welcome));
  answer(0, {});
  log(LogLevel::kInfo, "{}: learner '{}' ({}) joined at step {}", options.name, name_, link_->address(),
      owner_.state().steps());
}

std::optional<RefuseMessage> ShardSession::objection(const FrameHeader& header) const {
  if (header.type != FrameType::kLearnerGradients) {
    return RefuseMessage{RefusalCode::kFrame,
                         fmt::format("a frame of type {}, which is not for the exchange '{}'",
                                     static_cast<int>(header.type), kGradientsExchange)};
  }
  if (header.session != connection_ || header.sequence != next_sequence_) {
    return RefuseMessage{RefusalCode::kSequence,
                         fmt::format("frame {} of session {} where frame {} of session {} is next",
                                     header.sequence, header.session, next_sequence_, connection_)};
  }
  return std::nullopt;
}

void ShardSession::on_binary(std::span<const std::byte> frame) {
  if (phase_ == Phase::kOver) return;
  if (phase_ == Phase::kHello) {
    return refuse({RefusalCode::kProtocol, "a binary message where a hello is expected"});
  }
  ShardState& state = owner_.state();
  state.frame_received(frame.size());
  GENKIDAMA_FAILPOINT("shard_received");
  const auto parts = split_frame(frame);
  if (!parts.ok()) return refuse({RefusalCode::kFrame, parts.reason()});
  if (const auto refusal = objection(parts.value().header)) return refuse(*refusal);
  const auto gradients =
      decode_gradients(parts.value().weights, owner_.options().slice.size(), state.steps(), values_);
  // Frames have a checksum: it is the learner that made it so.
  if (!gradients.ok()) return refuse({RefusalCode::kWeights, gradients.reason()});
  const auto fates = state.apply(connection_, gradients.value());
  // Nobody is told of weights that are not finite.
  if (state.has_failed()) return end("the shard's slice is spoilt");
  ++next_sequence_;
  answer(parts.value().header.sequence, fates);
}

void ShardSession::answer(std::uint64_t sequence, std::span<const GradientFate> fates) {
  FrameHeader header;
  header.type = FrameType::kShardWeights;
  header.session = connection_;
  header.sequence = sequence;
  header.update = owner_.state().steps();
  encode_fates(fates, extra_);
  auto frame = link_->take_frame_buffer();
  encode_frame(header, owner_.state().weights(), frame, extra_);
  owner_.state().frame_sent(frame.size());
  link_->send_frame(std::move(frame));
}

void ShardSession::refuse(const RefuseMessage& refusal) {
  was_refused_ = true;
  phase_ = Phase::kOver;
  if (was_joined_) {
    owner_.state().frame_refused(refusal.reason);
  } else {
    owner_.state().peer_refused(refusal.reason);
    host_.peer_refused(connection_);
  }
  link_->send_text(encode_message(refusal));
  link_->close("refused: " + refusal.reason);
}

void ShardSession::on_closed(const std::string& reason) {
  phase_ = Phase::kOver;
  try {
    if (was_joined_) {
      const ShardLearnerStatus learner = owner_.state().left(connection_);
      try_log(LogLevel::kInfo, "{}: learner '{}' is gone: {} ({} gradients, {} of them too old)",
              owner_.options().name, name_, reason, learner.gradients, learner.stale);
    } else if (!host_.ending()) {
      if (!was_refused_) owner_.state().peer_refused(reason);
      owner_.warn(from().to_string() + reason,
                  fmt::format("{}: {} did not join: {}", owner_.options().name, link_->address(), reason));
    }
  } catch (const std::exception&) {
    // Out of memory: it goes without a word.
  }
  host_.connection_closed(connection_);
}

}  // namespace genkidama
