#pragma once

// Where a Child's io thread leaves what arrived and its training thread waits for it.

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/params/optimizer_moments.h"
#include "genkidama/params/running_statistics.h"
#include "genkidama/wire/member_orders.h"
#include "genkidama/wire/message.h"

namespace genkidama {

/// A session as the Parent told it on a new link.
struct JoinedSession {
  std::string run_id;
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;  ///< of the last frame that was merged in it; 0 in a new one
  bool resumed = false;
  bool merged_unanswered = false;       ///< the last frame sent was merged, and its answer lost
  bool asynchronous = false;            ///< the Parent's actors do not wait for it
  std::uint64_t place = 0, places = 1;  ///< WelcomeMessage
};

/// One link that was joined: every new one has another generation.
struct ChildTicket {
  std::uint64_t generation = 0;         ///< counts this Child's joins from 1
  std::uint64_t session = 0;            ///< the Parent's number
  std::uint64_t sequence = 0;           ///< of the last frame that was merged when the link was joined
  bool asynchronous = false;            ///< JoinedSession::asynchronous
  std::uint64_t place = 0, places = 1;  ///< of an actor, among all actors
};

/// What the Parent sent.
struct ParentWeights {
  std::vector<float> weights;
  RunningStatistics other_statistics;  ///< what all other Children have counted; without components: nothing
  OptimizerMoments moments;            ///< the mean of all Children's; of 0 steps: there are none yet
  std::uint64_t update = 0;            ///< merges that the Parent had made; set by the mailbox
  std::uint64_t round_steps = 0;       ///< of an actor: what it is to play with them
  std::uint64_t run_steps = 0;         ///< of an actor: what its learner's run has learnt from
  MemberOrders orders;                 ///< of a member of a population
  std::vector<std::string> explored;   ///< what the orders' values are of
};

/// A link that was joined, and the weights that the Parent sent at once.
struct JoinedWeights {
  ChildTicket ticket;
  ParentWeights weights;
};

/// A monitor. The io thread never waits in it. The training thread waits for what the io thread's own
/// deadlines bring about at the latest.
class ChildMailbox {
 public:
  enum class Outcome { kReady, kLost, kOver, kTimeout };

  /// `keeps_joins`: take_join() is used, and take_weights() is for answers only.
  explicit ChildMailbox(bool keeps_joins = false) : keeps_joins_(keeps_joins) {}

  // From the io thread.

  /// A link was joined and these are the Parent's weights; swapped out of `weights` until the training thread
  /// has taken some: later ones are for nobody, and an answer that came before them must not be lost.
  ChildTicket joined(const JoinedSession& session, ParentWeights& weights, std::uint64_t update);
  /// A Parent has answered the hello, so a join is under way; it ends with joined(), or came to nothing.
  void joining();
  void joining_failed();
  /// The Parent answered; swapped out of `weights`.
  void answered(std::uint64_t generation, std::uint64_t sequence, ParentWeights& weights,
                std::uint64_t update);
  /// The joined link is gone.
  void lost(std::uint64_t generation);
  /// Counts the bytes of a frame.
  void frame_sent(std::size_t bytes);
  void frame_received(std::size_t bytes);
  /// Kept for the error when no link is ever joined.
  void failed(const std::string& reason);
  /// Nothing more will come: the Parent ended the run or refused this Child for good.
  void ended(const std::string& reason);
  void refused(const RefuseMessage& refusal);

  // From any thread.
  void request_stop();

  // From the training thread.

  /// kReady when a link is joined; kOver when ended, refused or stopped. Never kLost. The deadline does not
  /// count while a join is under way.
  Outcome wait_joined(const Deadline& deadline);
  /// For the answer to `sequence` on this link, until it came or the link is lost; after a stop only for
  /// `stop_grace`, then kOver. An answer that came counts, also when the link was lost or the run ended after
  /// it.
  Outcome wait_answer(const ChildTicket& ticket, std::uint64_t sequence, Milliseconds stop_grace);
  /// The same for so long at most; kTimeout while the answer may still come.
  Outcome wait_answer_for(const ChildTicket& ticket, std::uint64_t sequence, Clock::duration span);
  /// The same without waiting.
  Outcome look_for_answer(const ChildTicket& ticket, std::uint64_t sequence) const;
  /// Swaps the weights of the link that was joined last with those in `join`; false, and nothing changed,
  /// when they were taken before.
  bool take_join(JoinedWeights& join);
  /// Swaps the weights that came last with `weights`.
  void take_weights(ParentWeights& weights);
  /// Nothing when no link is joined now.
  std::optional<ChildTicket> ticket() const;
  std::uint64_t joins() const;
  /// Links that were joined after the first one.
  std::uint64_t reconnects() const;
  /// Whether the first link that was joined went on with a session.
  bool began_resumed() const;
  /// Frames that were answered, or of which the Parent told that they were merged.
  std::uint64_t merges() const;
  /// Of all frames so far.
  std::uint64_t bytes_sent() const;
  std::uint64_t bytes_received() const;
  /// Of the last link that was joined.
  std::string run_id() const;
  /// `update` of the last frame received.
  std::uint64_t update() const;
  bool stop_requested() const;
  std::optional<std::string> end_reason() const;
  std::optional<RefuseMessage> refusal() const;
  std::string last_failure() const;

 private:
  bool over() const { return stop_ || ended_ || refused_; }
  /// As look_for_answer(), with the mutex held.
  Outcome outcome(const ChildTicket& ticket, std::uint64_t sequence) const;

  const bool keeps_joins_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<ChildTicket> untaken_join_;
  ParentWeights join_weights_;
  std::uint64_t joins_ = 0, merges_ = 0, bytes_sent_ = 0, bytes_received_ = 0;
  int joining_ = 0;
  bool began_resumed_ = false;
  std::string run_id_;
  std::optional<ChildTicket> ticket_;
  std::uint64_t answered_generation_ = 0, answered_sequence_ = 0;
  bool weights_taken_ = false;
  std::uint64_t update_ = 0;
  ParentWeights weights_;
  std::optional<std::string> ended_;
  std::optional<RefuseMessage> refused_;
  std::string last_failure_ = "nobody answered";
  bool stop_ = false;
};

}  // namespace genkidama
