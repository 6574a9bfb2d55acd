#pragma once

// The thesis' exchange, from the Child's side.

#include <memory>
#include <vector>

#include "net/child/child_exchange.h"

namespace genkidama {

/// Algorithm 2's second half: the trainer's weights are sent, the Parent merges them at once, and what it
/// answers is averaged in.
class EachExchange final : public ChildExchange {
 public:
  EachExchange(const ChildOptions& options, ChildMailbox& mailbox, ChildWire& wire)
      : ChildExchange(options, mailbox, wire) {}

  /// Waits for a Parent. Its first weights replace the trainer's, unless the first link went on with an
  /// earlier process' session.
  void begin(LocalTrainer& trainer) override;

  /// With ChildOptions::overlap: waits for what is on its way, then exchanges once more when the trainer
  /// knows more than was sent.
  ExchangeReport finish(LocalTrainer& trainer) override;

 private:
  /// Sends the trainer's weights, waits, averages. With ChildOptions::overlap it does not wait: it averages
  /// in what came since the last round, then sends, unless an exchange is still on its way.
  bool begin_exchange(LocalTrainer& trainer) override;
  bool end_exchange(LocalTrainer& trainer) override;

  /// Sends the trainer's weights, which become sent_. False, and nothing changed, when no link is joined.
  bool send_weights(const LocalTrainer& trainer);
  /// Sends local_, which becomes sent_. False, and nothing changed, when no link is joined.
  bool send_local();
  /// As collect_answer(); sent_ is left to the io thread where it may not have finished with it.
  bool collect(bool wait);
  /// Averages received_ into local_, which was trained on since it was sent_, and gives it to the trainer.
  bool average_in(LocalTrainer& trainer);

  bool unsent_ = false;  ///< the last round is not in what was sent
  std::shared_ptr<std::vector<float>> sent_;
};

}  // namespace genkidama
