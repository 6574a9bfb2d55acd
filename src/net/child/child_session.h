#pragma once

// The Child's side of the protocol on one link.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/params/exchange_kind.h"
#include "genkidama/params/parameter_layout.h"
#include "genkidama/params/weight_codec.h"
#include "genkidama/wire/frame.h"
#include "genkidama/wire/message.h"
#include "genkidama/wire/statistics.h"
#include "net/child/child_exchange.h"
#include "net/child/child_mailbox.h"
#include "net/host/hosted_session.h"
#include "net/role_words.h"

namespace genkidama {

class ChildSession;

/// What a session asks of the Child that owns it, on the io thread. Outlives it.
class ChildSessionOwner {
 public:
  virtual ~ChildSessionOwner() = default;
  /// Whether a Parent is already joined on another link: then this one is refused.
  virtual bool taken() const = 0;
  virtual HelloMessage make_hello() const = 0;
  /// The exchange that the Child asks for.
  virtual ExchangeKind exchange() const = 0;
  virtual RoleWords words() const = 0;
  /// The codec that the Child asks for.
  virtual CodecKind codec() const = 0;
  /// The moments in each frame; nothing: the Child averages none.
  virtual std::optional<MomentsShape> moments() const = 0;
  /// Whether the trainer can change the hyperparameter of this name between rounds.
  virtual bool can_tune(const std::string& name) const = 0;
  /// The Parent took the hello.
  virtual void session_welcomed() = 0;
  virtual JoinedSession session_joined(ChildSession& session, const WelcomeMessage& welcome) = 0;
  /// Where Children make rounds together, once the session has joined: encodes the changes. What was left out
  /// of them outlives the link.
  virtual WeightEncoder& change_encoder() = 0;
  /// How long nothing of what the Parent owes may move.
  virtual Clock::duration silence_limit() const = 0;
  /// silence_limit() is never below this; it costs nothing to ask.
  virtual Clock::duration least_silence_limit() const = 0;
  /// `span`: since the weights were sent.
  virtual void session_answered(Clock::duration span) = 0;
  virtual void session_unanswered() = 0;
  /// The Parent and this Child do not agree about the session; the next link begins a new one.
  virtual void session_broken() = 0;
  /// With what trying again would not change: another network, another protocol. `welcomed`: after the hello
  /// was taken. Whether the refusal is believed, and no link is made any more.
  virtual bool session_refused(const RefuseMessage& refusal, bool welcomed) = 0;
  virtual void session_closed(ChildSession& session, const std::string& reason) = 0;
};

/// hello, then the welcome and W_P, then one answer per frame sent.
class ChildSession final : public HostedSession {
 public:
  /// `statistics`: components of the statistics in each frame.
  ChildSession(ChildSessionOwner& owner, LinkHost& host, std::uint64_t connection, const LinkLimits& limits,
               const ParameterLayout& layout, std::size_t statistics, ChildMailbox& mailbox);

  /// Nothing before the first weights arrived.
  const std::optional<ChildTicket>& ticket() const { return ticket_; }
  /// Sends weights; the answer goes to the mailbox. Ignored when the link is not joined.
  void send(const OutgoingWeights& out);
  /// The same for what an actor has played, as encode_segments() wrote it.
  void send_segments(const FrameHeader& header, std::span<const std::byte> segments,
                     const RunningStatistics& statistics);
  /// Tells the Parent, when joined, that this Child leaves for good; closes.
  void end(const std::string& reason) override;

  bool joined() const override { return phase_ == Phase::kJoined; }
  /// Of this link, once the Parent has told it.
  CodecKind codec() const { return codec_; }

  void on_open() override;
  void on_text(std::string_view text) override;
  void on_binary(std::span<const std::byte> frame) override;
  void on_closed(const std::string& reason) override;

 private:
  enum class Phase { kWelcome, kFirstWeights, kJoined, kOver };

  void handle(const RefuseMessage& refusal);
  void handle(const WelcomeMessage& welcome);
  /// The Parent owes something from now on: the first weights, or an answer.
  void expect();
  std::size_t first_message_max() const override;
  void watch(Clock::time_point due);
  void look_for_progress(Clock::time_point due);
  /// How long nothing of what is due may move.
  Clock::duration patience() const;
  bool expects() const {
    return phase_ == Phase::kFirstWeights || (phase_ == Phase::kJoined && awaited_ > 0);
  }
  void refuse(RefusalCode code, const std::string& reason);
  /// Of what stands before the weights in the Parent's frames.
  std::size_t extra_bytes() const;
  /// Of a member of a population: of what stands before the others.
  std::size_t orders_bytes() const;
  /// Of what stands before the weights in a frame that was refused, or nothing; else it is in received_.
  std::optional<RefuseMessage> read_extra(std::span<const std::byte> extra);
  std::optional<std::string> objection(const FrameHeader& header) const;
  /// Of the weights in a frame that was refused, or nothing; else they are in received_.
  std::optional<RefuseMessage> read_weights(const FrameParts& frame);
  void join(std::uint64_t update);
  /// Whether it agrees with the Parent's answer to its hello; refuses it otherwise.
  bool accepts(const WelcomeMessage& welcome);
  /// Whether the trainer can change what the Parent's population explores; refuses the Parent otherwise.
  bool accepts_explored(const std::vector<std::string>& explored);
  RoleWords words() const { return owner_.words(); }

  ChildSessionOwner& owner_;
  const LinkLimits& limits_;
  const ParameterLayout& layout_;
  const std::size_t statistics_;
  const std::optional<MomentsShape> moments_;
  ChildMailbox& mailbox_;
  Phase phase_ = Phase::kWelcome;
  std::optional<SessionMark> resume_;  ///< as the hello said
  bool welcomed_ = false;
  WelcomeMessage welcome_;
  std::optional<ChildTicket> ticket_;
  asio::steady_timer timer_;
  bool watching_ = false;  ///< timer_ runs
  Clock::time_point expected_since_;
  std::uint64_t awaited_ = 0;  ///< sequence of the answer that is due; 0: none is
  ParentWeights received_;
  std::vector<std::byte> statistics_bytes_, extra_;
  CodecKind codec_ = CodecKind::kFloat32;
  std::optional<WeightDecoder> decoder_;         ///< once welcomed
  std::optional<WeightEncoder> weight_encoder_;  ///< once joined, unless the Child sends changes
};

}  // namespace genkidama
