#pragma once

// The Parent's side of the protocol with one Child.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genkidama/net/parent.h"
#include "genkidama/params/weight_codec.h"
#include "genkidama/wire/frame.h"
#include "genkidama/wire/message.h"
#include "net/host/hosted_session.h"
#include "net/parent/parent_state.h"
#include "net/parent/pooled_merge.h"
#include "net/parent/refusal.h"
#include "net/role_words.h"

namespace genkidama {

/// What a session asks of the Parent that owns it, on the io thread. Outlives it.
class ParentSessionOwner {
 public:
  virtual ~ParentSessionOwner() = default;
  virtual const ParentOptions& options() const = 0;
  virtual const ParameterLayout& layout() const = 0;
  virtual ParentState& state() = 0;
  /// nullptr unless several threads merge.
  virtual MergePool* merge_pool() = 0;
  /// How often this Parent's run was started before, and the next number of a session of this start; nothing
  /// when there is none left.
  virtual std::uint64_t epoch() const = 0;
  virtual std::optional<std::uint64_t> next_session_number() = 0;
  /// How long this offender must stay away; zero when it may come.
  virtual Milliseconds quarantine_left(const std::string& offender) const = 0;
  /// Keeps the offender away for a while, which is returned.
  virtual Milliseconds quarantine(const std::string& offender) = 0;
  /// A warning that a stranger can cause. It is the same one again where `about` is the same.
  virtual void warn(const std::string& about, const std::string& text) = 0;
  /// Ends the link on which this Child's session is believed to go on, if there is one.
  virtual void detach_session(std::uint64_t session, const std::string& own_name) = 0;
  /// Weights were merged and the answer is on its way.
  virtual void session_merged(const ParentUpdate& update) = 0;
  /// A session has contributed to the open round, or has left it: the round may be over.
  virtual void round_changed() = 0;
  /// The user's merge rule failed: the run is over, and no session merges anything after this.
  virtual void rule_failed(const std::string& failure) = 0;
};

/// hello, then welcome and W_P, then one merge and one answer per frame. Where Children make rounds together
/// the answer comes when the round is over.
class ParentSession final : public HostedSession {
 public:
  ParentSession(ParentSessionOwner& owner, LinkHost& host, std::uint64_t connection);

  void end(const std::string& reason) override;
  /// The session goes on on another link. From here on this one has none.
  void hand_over();

  bool joined() const override { return phase_ == Phase::kJoined; }
  /// Once joined.
  std::uint64_t session() const { return session_; }
  /// What the Child calls itself.
  const std::string& own_name() const { return own_name_; }
  /// Whether the Child waits for the end of the open round.
  bool waits() const { return phase_ == Phase::kJoined && contributed_ > 0; }
  /// The round is over: sends the weights.
  void answer_round();

  void on_open() override { is_open_ = true; }
  void on_text(std::string_view text) override;
  void on_binary(std::span<const std::byte> frame) override;
  void on_closed(const std::string& reason) override;

 private:
  /// What may come next.
  enum class Phase { kHello, kJoined, kOver };
  /// In which of the Parent's counts this connection is.
  enum class Standing { kStranger, kRefused, kJoined, kDeparted };

  std::size_t first_message_max() const override { return owner_.options().limits.max_control_bytes; }

  void on_greeting(const Message& message);
  void on_message(const Message& message);
  void child_refused(const RefuseMessage& refusal);
  void join(const HelloMessage& hello);
  /// Goes on with the session that the hello names, if that can be: the sequence of its last merged frame.
  std::optional<std::uint64_t> resume(const HelloMessage& hello);
  std::optional<std::uint64_t> find_resumed(const HelloMessage& hello, std::string& objection);
  /// Begins a new session; false when there is no number left for it.
  bool begin_session(const HelloMessage& hello);
  /// Both ends of the link begin anew, in the codec that the hello asks for if this Parent knows it.
  void agree_on_codec(const HelloMessage& hello);
  void welcome(const std::optional<std::uint64_t>& resumed);
  /// The first weights on the link, from which both ends' codecs begin.
  void send_first_weights();
  /// The answer to a frame.
  void send_weights(std::uint64_t sequence);
  FrameHeader make_header(std::uint64_t sequence) const;
  /// What comes before the weights, into extra_.
  void encode_extra();
  void send_frame(std::vector<std::byte> frame);

  /// Why a frame that is sound in itself must not be merged.
  std::optional<Refusal> objection(const FrameParts& frame) const;
  std::optional<Refusal> round_objection(const FrameHeader& header) const;
  std::optional<Refusal> change_objection(const FrameParts& frame) const;
  std::string foreign_session(std::uint64_t session) const;
  /// A frame of weights that was checked but for what depends on the session.
  void take_frame(const Decoded<FrameParts>& parts);
  /// Decodes the weights of a frame to which there is no objection so far, and merges or keeps them.
  void take_weights(const FrameParts& frame, RunningStatistics own, OptimizerMoments moments);
  void merge(const FrameView& frame, RunningStatistics own);
  /// Tells the owner of a merge whose answer is on its way. `weights`: W_P after it.
  void tell_merge(const FrameHeader& frame, const MergeReport& report, std::span<const float> weights,
                  std::vector<PopulationChange> changes = {});
  /// What the member of a population has sent, sound or not.
  void take_member(const FrameView& frame, RunningStatistics own);

  // Where several threads merge.

  /// Once joined.
  void use_pool();
  void begin_look(std::span<const std::byte> frame);
  /// The pool is done with what it was given last.
  void step_done();
  void begin_merge(const FrameHeader& frame, RunningStatistics own);
  void end_merge();
  /// Takes back what the pool has of this session. A merge that was counted is made.
  void leave_pool() noexcept;

  void contribute(const FrameView& frame, RunningStatistics own, OptimizerMoments moments);
  /// A frame was taken into the open round.
  void note_contribution(const FrameHeader& header);
  bool makes_rounds() const { return owner_.options().exchange == ExchangeKind::kRounds; }
  bool has_members() const { return owner_.options().exchange == ExchangeKind::kPopulation; }
  bool takes_segments() const { return owner_.options().exchange == ExchangeKind::kSegments; }
  RoleWords words() const { return role_words(owner_.options().exchange); }
  /// The type of frame that a Child of this exchange sends.
  FrameType expected_type() const;
  /// What an actor sends.
  void on_segments(std::span<const std::byte> frame);
  /// The largest frame that a joined Child may send.
  std::size_t largest_frame() const;
  /// Of what comes before the weights in a Child's frame.
  std::size_t extra_bytes() const;

  /// Tells the peer, counts the refusal and closes.
  void refuse(const Refusal& refusal);
  void refuse_unexpected(const Message& message);
  void quarantine_child(const std::string& reason);
  void say_refused(RefusalCode code, const std::string& reason);
  /// As the quarantine knows a Child.
  std::string offender(const std::string& name) const;
  void record_departure(const std::string& reason);

  ParentSessionOwner& owner_;
  Phase phase_ = Phase::kHello;
  Standing standing_ = Standing::kStranger;
  bool is_open_ = false;
  bool session_over_ = false;  ///< for good, not only its link
  std::string own_name_, shown_name_;
  std::uint64_t session_ = 0, next_sequence_ = 1;
  std::uint64_t contributed_ = 0;         ///< sequence of what is in the open round; 0: nothing is
  std::optional<WeightEncoder> encoder_;  ///< once joined, as the next
  std::optional<WeightDecoder> decoder_;
  std::uint64_t stream_ = 0;  ///< of the Child's statistics
  std::vector<std::byte> extra_;

  std::unique_ptr<PooledMerge> pooled_;  ///< where several threads merge, once joined
  FrameHeader merged_;                   ///< of the frame that is merged in the pool
  MergeReport report_;                   ///< of that merge
};

}  // namespace genkidama
