#pragma once

// A Child in virtual time: the real exchange of a Child, and a trainer, behind a link that is a model.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/net/child.h"
#include "genkidama/params/local_trainer.h"
#include "genkidama/params/weight_codec.h"
#include "net/child/child_exchange.h"
#include "net/child/child_mailbox.h"

namespace genkidama::sim {

/// How a Parent accepted a Child.
struct Welcome {
  std::uint64_t session = 0;
  std::optional<std::uint64_t> sequence{};  ///< the session goes on, and this frame of it was merged last
};

/// Knows no time. What it sends lies in outgoing() until the next round's frame.
class VirtualChild final : private ChildWire {
 public:
  /// Both outlive it.
  VirtualChild(const ChildOptions& options, LocalTrainer& trainer);
  VirtualChild(const VirtualChild&) = delete;
  VirtualChild& operator=(const VirtualChild&) = delete;

  /// The Parent's first weights on a new link came.
  void joined(const Welcome& welcome, std::span<const std::byte> frame);
  /// An answer came.
  void answered(std::span<const std::byte> frame);
  /// The link is gone. Whether it was joined.
  bool lost();

  /// Trains a round at once.
  const RoundReport& train();
  /// What the exchange does when the trained round has ended. Whether it waits for an answer.
  bool send_round();
  /// The same where others have played.
  bool send_playing(const Played& played, double mean_return);
  /// After a send_round() that waits: the answer came, or the link was lost.
  void take_answer();

  /// The frame of the last send_round(), if it has sent one.
  std::optional<std::span<const std::byte>> take_outgoing();
  bool is_joined() const { return mailbox_.ticket().has_value(); }
  /// The session to go on with on a new link; 0 before the first one.
  std::uint64_t session() const { return session_; }
  /// As a hello tells them: the steps in the last frame that was answered.
  std::uint64_t steps_answered() const { return steps_answered_; }
  const LocalTrainer& trainer() const { return trainer_; }

 private:
  void send(OutgoingWeights out) override;
  std::string where() const override { return "in a simulation"; }
  RoleWords words() const override { return role_words(ExchangeKind::kEach); }
  /// Into received_. What the Parent sends is sound.
  FrameHeader decode(std::span<const std::byte> frame);
  /// Both ends of a new link begin with the weights in received_.
  void begin_codecs(const JoinedSession& session);

  const CodecKind codec_;
  const bool makes_rounds_;
  const std::size_t moments_size_;

  LocalTrainer& trainer_;
  ChildMailbox mailbox_;
  std::unique_ptr<ChildExchange> exchange_;
  RoundReport report_;
  ParentWeights received_;
  std::vector<std::byte> outgoing_, extra_, statistics_bytes_;
  std::optional<WeightDecoder> decoder_;
  std::optional<WeightEncoder> weights_;  // of the link; unless changes are sent
  std::optional<WeightEncoder> changes_;  // of the session, where Children make rounds together
  bool has_begun_ = false, has_outgoing_ = false, is_unanswered_ = false;
  std::uint64_t session_ = 0, generation_ = 0, sequence_sent_ = 0;
  std::uint64_t steps_sent_ = 0, steps_answered_ = 0;
};

}  // namespace genkidama::sim
