#pragma once

// An actor: it plays with its learner's weights, and sends what it has played.

#include <cstdint>
#include <vector>

#include "genkidama/wire/segments.h"
#include "net/child/child_exchange.h"

namespace genkidama {

/// After each round it sends the segments, waits for the weights that were learnt from them, and goes on with
/// these. An actor that is asynchronous does not wait: while one batch is on its way, it plays the next one
/// with the weights that it has, and takes those of the answer when that is played. It waits only when the
/// answer is not there by then, so it has two batches at most. While no link is joined it waits for one. An
/// answer that takes a small part of a round's time is waited for, because the round is then played with
/// newer weights.
class SegmentsExchange final : public ChildExchange {
 public:
  SegmentsExchange(const ChildOptions& options, ChildMailbox& mailbox, ChildWire& wire)
      : ChildExchange(options, mailbox, wire) {}

  void begin(LocalTrainer& trainer) override;
  RoundReport play(LocalTrainer& trainer) override;
  /// Waits until what was played is answered.
  ExchangeReport finish(LocalTrainer& trainer) override;

 private:
  bool begin_exchange(LocalTrainer& trainer) override;
  bool end_exchange(LocalTrainer& trainer) override;

  /// Waits for the answer to what is on its way, or for a link, and sends what is due. False when the run is
  /// over before; `has_weights` becomes true when the trainer has others.
  bool go_on(LocalTrainer& trainer, bool& has_weights);
  /// Waits until a link is joined; false when the run is over before.
  bool wait_for_link();
  /// Whether the next round is not to be played yet.
  bool must_wait() const { return is_due() || (is_in_flight() && !join_.ticket.asynchronous); }
  /// Whether something is to be sent.
  bool is_due() const { return unsent_.steps > 0 || (sent_.steps > 0 && !is_in_flight()); }
  /// The answer's weights, once it is here. Whether it is.
  bool take_answered(LocalTrainer& trainer, bool wait);
  void take_received(LocalTrainer& trainer);
  /// A new link may have been joined since the last frame. Whether its weights have replaced the trainer's,
  /// because the learner has taken what was sent, or does not know the session any more.
  bool settle(LocalTrainer& trainer);
  /// Sends what was played first on the link that was settled last, if a frame is due.
  void send_batch(const LocalTrainer& trainer);
  void take_over(LocalTrainer& trainer, const ParentWeights& received);
  /// Keeps the counts, which go with the next round's segments.
  void drop_segments();

  JoinedWeights join_;               ///< of the link that was joined last
  std::uint64_t version_ = 0;        ///< `update` of the weights that the trainer has
  std::uint64_t round_steps_ = 0;    ///< to be played with them
  SegmentBatch sent_;                ///< sent, and not answered
  SegmentBatch unsent_;              ///< played after that
  SegmentBatch untold_;              ///< counts of rounds whose segments were dropped
  std::uint64_t sent_sequence_ = 0;  ///< of the frame with sent_ in it; 0: it was not sent
  std::vector<Segment> segments_;
  Clock::duration patience_{};  ///< of an asynchronous actor with an answer
};

}  // namespace genkidama
