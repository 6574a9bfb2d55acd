#pragma once

// A shard's side of the protocol with one learner.

#include <cstdint>
#include <string>
#include <vector>

#include "genkidama/net/shard.h"
#include "genkidama/wire/frame.h"
#include "genkidama/wire/message.h"
#include "net/host/hosted_session.h"
#include "net/shard/shard_state.h"

namespace genkidama {

/// What a session asks of the shard that owns it, on the io thread. Outlives it.
class ShardSessionOwner {
 public:
  virtual ~ShardSessionOwner() = default;
  virtual const ShardOptions& options() const = 0;
  virtual const ParameterLayout& layout() const = 0;
  virtual ShardState& state() = 0;
  /// A warning that a stranger can cause. It is the same one again where `about` is the same.
  virtual void warn(const std::string& about, const std::string& text) = 0;
};

/// hello, then welcome and the slice's weights, then one answer for each frame of gradients.
class ShardSession final : public HostedSession {
 public:
  ShardSession(ShardSessionOwner& owner, LinkHost& host, std::uint64_t connection);

  /// Closes without a word: the learner waits for the shard to come back.
  void end(const std::string& reason) override;
  bool joined() const override { return phase_ == Phase::kJoined; }

  void on_open() override {}
  void on_text(std::string_view text) override;
  void on_binary(std::span<const std::byte> frame) override;
  void on_closed(const std::string& reason) override;

 private:
  enum class Phase { kHello, kJoined, kOver };

  std::size_t first_message_max() const override { return owner_.options().limits.max_control_bytes; }
  void on_message(const Message& message);
  void join(const HelloMessage& hello);
  /// Why the learner cannot take part; code and reason.
  std::optional<RefuseMessage> objection(const HelloMessage& hello) const;
  /// Why a frame that is sound in itself is not taken.
  std::optional<RefuseMessage> objection(const FrameHeader& header) const;
  void answer(std::uint64_t sequence, std::span<const GradientFate> fates);
  void refuse(const RefuseMessage& refusal);

  ShardSessionOwner& owner_;
  Phase phase_ = Phase::kHello;
  bool was_joined_ = false, was_refused_ = false;
  std::string name_;
  std::uint64_t next_sequence_ = 1;
  std::vector<float> values_;
  std::vector<std::byte> extra_;
};

}  // namespace genkidama
