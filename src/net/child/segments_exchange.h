#pragma once

// An actor: it plays with its learner's weights, and sends what it has played.

#include <cstdint>
#include <vector>

#include "genkidama/wire/segments.h"
#include "net/child/child_exchange.h"

namespace genkidama {

/// After each round it sends the segments, waits for the weights that were learnt from them, and goes on with
/// these. While no link is joined it waits for one and plays nothing.
class SegmentsExchange final : public ChildExchange {
 public:
  SegmentsExchange(const ChildOptions& options, ChildMailbox& mailbox, ChildWire& wire)
      : ChildExchange(options, mailbox, wire) {}

  void begin(LocalTrainer& trainer) override;
  RoundReport play(LocalTrainer& trainer) override;
  ExchangeReport finish(LocalTrainer&) override { return {}; }

 private:
  bool begin_exchange(LocalTrainer& trainer) override;
  bool end_exchange(LocalTrainer& trainer) override;

  /// Waits until a link is joined; false when the run is over before.
  bool wait_for_link();
  /// A new link may have been joined since the last frame. False when its weights have replaced the
  /// trainer's, because the learner has learnt from what was sent, or does not know the session any more:
  /// then nothing is left to be sent.
  bool settle(LocalTrainer& trainer);
  /// Sends what was played on the link that was settled last. False when it is gone.
  bool send_batch(const LocalTrainer& trainer);
  void take_over(LocalTrainer& trainer, const ParentWeights& received);
  void drop_segments();

  JoinedWeights join_;               ///< of the link that was joined last
  std::uint64_t version_ = 0;        ///< `update` of the weights that the trainer has
  std::uint64_t round_steps_ = 0;    ///< to be played with them
  SegmentBatch batch_;               ///< played since the last answer
  std::uint64_t sent_sequence_ = 0;  ///< of the frame with batch_ in it; 0: it was not sent
  std::vector<Segment> segments_;
};

}  // namespace genkidama
