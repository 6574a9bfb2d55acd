#pragma once

/// @file
/// The interface for what a machine does with its weights between two rounds of training. A Child's exchange
/// with its Parent implements it.

#include <cstdint>
#include <optional>
#include <string>

#include "genkidama/core/export.h"
#include "genkidama/params/local_trainer.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What an exchange did after a round.
struct ExchangeReport {
  /// How often weights of others were averaged into the trainer's.
  std::uint64_t averaged = 0;
  double waited_seconds = 0;  ///< how long training has waited for others
};

/// Joins a LocalTrainer to others. The one thread that trains calls all functions, between rounds, and only
/// these functions may change the trainer's weights. An exchange may use threads and sockets of its own.
///
///     exchange.begin(trainer);
///     while (!exchange.over()) exchange.after_round(trainer, trainer.train_round());
///     exchange.finish(trainer);
class Exchange {
 public:
  virtual ~Exchange() = default;

  /// Called once, before the first round. It may wait for others and replace the trainer's weights. Throws
  /// IoError when there is nobody to train with.
  virtual void begin(LocalTrainer& trainer) = 0;

  /// Called after each round with the round's report. It may wait, send the weights and average others' into
  /// them. A link that is lost is no error: the trainer then goes on with its own weights.
  virtual ExchangeReport after_round(LocalTrainer& trainer, const RoundReport& round) = 0;

  /// Called once, after the last round. It waits for what is still on its way.
  virtual ExchangeReport finish(LocalTrainer& trainer) = 0;

  /// Why there must be no further round; empty while training goes on. Throws IoError or LayoutError when
  /// others refused this trainer for good.
  virtual std::optional<std::string> over() const = 0;
};

}  // namespace genkidama
