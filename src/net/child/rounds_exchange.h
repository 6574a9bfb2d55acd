#pragma once

// Rounds that Children make together, from the Child's side.

#include <cstdint>
#include <memory>
#include <vector>

#include "net/child/child_exchange.h"

namespace genkidama {

/// Sends what the trainer has learnt since the Parent's weights that it began from, waits for the end of the
/// round, and goes on with the Parent's weights.
class RoundsExchange final : public ChildExchange {
 public:
  RoundsExchange(const ChildOptions& options, ChildMailbox& mailbox, ChildWire& wire)
      : ChildExchange(options, mailbox, wire) {}

  /// Waits for a Parent. Its weights replace the trainer's, also where the first link went on with an earlier
  /// process' session: what that process had learnt since its last exchange is not known any more.
  void begin(LocalTrainer& trainer) override;
  ExchangeReport finish(LocalTrainer&) override { return {}; }

 private:
  bool begin_exchange(LocalTrainer& trainer) override;
  bool end_exchange(LocalTrainer& trainer) override;

  /// A new link was joined since the last round. Says what of local_ the Parent has counted. False when the
  /// Parent does not know the session any more: its weights have replaced the trainer's, and nothing is to be
  /// sent in this round.
  bool settle(LocalTrainer& trainer);
  /// The trainer goes on from join_.
  void take_over(LocalTrainer& trainer);
  /// The trainer's optimizer goes on from the Parent's moments, if they are averaged and there are some.
  void take_moments(LocalTrainer& trainer, const ParentWeights& received) const;

  JoinedWeights join_;        ///< of the link that was joined last
  std::vector<float> basis_;  ///< the Parent's weights that the trainer began from
  std::uint64_t basis_update_ = 0;
  /// Steps of the Child when it began from basis_.
  std::uint64_t basis_steps_ = 0;
  /// What was sent and not answered. The Parent may have counted it.
  std::shared_ptr<std::vector<float>> unanswered_;
  /// What was answered, whose memory the next change takes once nobody else has it.
  std::shared_ptr<std::vector<float>> answered_;
  std::uint64_t unanswered_sequence_ = 0, unanswered_steps_ = 0;
};

}  // namespace genkidama
