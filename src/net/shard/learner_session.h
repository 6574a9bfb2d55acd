#pragma once

// A learner's side of the protocol on one link to a shard.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genkidama/net/limits.h"
#include "genkidama/wire/frame.h"
#include "genkidama/wire/message.h"
#include "genkidama/wire/shard_frames.h"
#include "net/host/hosted_session.h"

namespace genkidama {

class LearnerSession;

/// What a session asks of the ShardLink that owns it, on the io thread. Outlives it.
class LearnerSessionOwner {
 public:
  virtual ~LearnerSessionOwner() = default;
  virtual const HelloMessage& hello() const = 0;
  virtual const LinkLimits& limits() const = 0;
  /// How long nothing of what the shard owes may move.
  virtual Milliseconds patience() const = 0;
  /// Why this is not the shard that it was, or no shard at all.
  virtual std::optional<RefuseMessage> objection(const WelcomeMessage& welcome) = 0;
  virtual void session_joined(LearnerSession& session, const WelcomeMessage& welcome, std::uint64_t step,
                              std::span<const float> weights) = 0;
  virtual void session_answered(std::uint64_t step, std::span<const float> weights,
                                std::vector<GradientFate> fates) = 0;
  /// Whether the refusal is believed, and no link is made any more.
  virtual bool session_refused(const RefuseMessage& refusal) = 0;
  virtual void session_closed(LearnerSession& session, const std::string& reason) = 0;
};

/// hello, then the welcome and the slice's weights, then one answer for each frame of gradients.
class LearnerSession final : public HostedSession {
 public:
  LearnerSession(LearnerSessionOwner& owner, LinkHost& host, std::uint64_t connection);

  /// Sends `count` gradients as append_gradients() wrote them. Ignored when the link is not joined.
  void send(std::span<const std::byte> gradients, std::size_t count);
  /// Tells the shard, when joined, that this learner leaves; closes.
  void end(const std::string& reason) override;
  bool joined() const override { return phase_ == Phase::kJoined; }

  void on_open() override;
  void on_text(std::string_view text) override;
  void on_binary(std::span<const std::byte> frame) override;
  void on_closed(const std::string& reason) override;

 private:
  enum class Phase { kWelcome, kFirstWeights, kJoined, kOver };

  std::size_t first_message_max() const override { return owner_.limits().max_control_bytes; }
  void handle(const RefuseMessage& refusal);
  void handle(const WelcomeMessage& welcome);
  std::optional<std::string> objection(const FrameHeader& header) const;
  void refuse(const RefuseMessage& refusal);
  /// The shard owes something from now on.
  void expect();
  void watch(Clock::time_point due);
  bool expects() const { return phase_ == Phase::kFirstWeights || (joined() && awaited_ > 0); }

  LearnerSessionOwner& owner_;
  Phase phase_ = Phase::kWelcome;
  WelcomeMessage welcome_;
  std::uint64_t sequence_ = 0;  ///< of the frame that was sent last
  std::size_t awaited_ = 0;     ///< gradients in it, until it is answered
  Clock::time_point expected_since_;
  asio::steady_timer timer_;
  bool is_watching_ = false;
  std::vector<float> copy_;
};

}  // namespace genkidama
