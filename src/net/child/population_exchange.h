#pragma once

// Members of a population, from the Child's side.

#include <cstdint>
#include <memory>
#include <vector>

#include "net/child/child_exchange.h"

namespace genkidama {

/// Sends the trainer's weights and waits for what the Parent says: the trainer keeps them, or goes on from
/// those of a better member, with other hyperparameters and no memory of its optimizer.
class PopulationExchange final : public ChildExchange {
 public:
  PopulationExchange(const ChildOptions& options, ChildMailbox& mailbox, ChildWire& wire)
      : ChildExchange(options, mailbox, wire) {}

  /// Waits for a Parent. The trainer takes its member up where the Parent has it, also where the first link
  /// went on with an earlier process' session.
  void begin(LocalTrainer& trainer) override;
  ExchangeReport finish(LocalTrainer&) override { return {}; }

 private:
  bool begin_exchange(LocalTrainer& trainer) override;
  bool end_exchange(LocalTrainer& trainer) override;

  /// A new link was joined since the last round. False when the trainer has taken other weights: there is
  /// nothing to be sent in this round.
  bool settle(LocalTrainer& trainer);
  /// The trainer learns on with the values, and goes on from the weights where `takes_weights`.
  void follow(LocalTrainer& trainer, const ParentWeights& received, bool takes_weights);

  JoinedWeights join_;                        ///< of the link that was joined last
  std::shared_ptr<std::vector<float>> sent_;  ///< whose memory the next frame takes once nobody else has it
  std::uint64_t unanswered_ = 0;              ///< sequence of what was sent and not answered; 0: nothing
};

}  // namespace genkidama
