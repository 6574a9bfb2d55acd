#include "net/child/each_exchange.h"

#include <utility>

#include "core/failpoint.h"
#include "genkidama/params/weighted_average.h"

namespace genkidama {

void EachExchange::begin(LocalTrainer& trainer) {
  if (!wait_for_parent()) return;
  mailbox_.take_weights(received_);
  if (!mailbox_.began_resumed()) trainer.write_weights(received_.weights);
  take_statistics(trainer, received_);
}

ExchangeReport EachExchange::finish(LocalTrainer& trainer) {
  ExchangeReport report;
  if (!options_.overlap) return report;
  if (is_in_flight()) {
    if (collect(/*wait=*/true)) {
      read_local(trainer);
      if (average_in(trainer)) ++report.averaged;
    } else if (const auto ticket = mailbox_.ticket(); ticket && ticket->generation == generation_) {
      // The answer may still come, in place of the next one's.
      return report;
    }
  }
  if (unsent_ && send_weights(trainer) && end_exchange(trainer)) ++report.averaged;
  return report;
}

bool EachExchange::begin_exchange(LocalTrainer& trainer) {
  if (!options_.overlap) return send_weights(trainer);
  read_local(trainer);
  if (is_in_flight() && collect(/*wait=*/false) && average_in(trainer)) ++averaged_;
  unsent_ = is_in_flight() || !send_local();
  return false;
}

bool EachExchange::send_weights(const LocalTrainer& trainer) {
  if (!mailbox_.ticket()) return false;
  read_local(trainer);
  GENKIDAMA_FAILPOINT("child_before_send");
  return send_local();
}

bool EachExchange::end_exchange(LocalTrainer& trainer) {
  GENKIDAMA_FAILPOINT("child_sent");
  if (!collect(/*wait=*/true)) return false;
  GENKIDAMA_FAILPOINT("child_answered");
  average_finite(*sent_, received_.weights, options_.beta);
  trainer.write_weights(*sent_);
  take_statistics(trainer, received_);
  return true;
}

bool EachExchange::send_local() {
  if (!mailbox_.ticket()) return false;
  if (!sent_) sent_ = std::make_shared<std::vector<float>>();
  std::swap(*sent_, local_);
  OutgoingWeights out;
  out.header.type = FrameType::kChildWeights;
  out.header.update = mailbox_.update();
  out.weights = sent_;
  if (send(std::move(out))) return true;
  std::swap(*sent_, local_);
  return false;
}

bool EachExchange::collect(bool wait) {
  // An answer says that the io thread has finished with sent_: one to what was not wholly sent is refused
  // there. Otherwise it may not have, so this memory is left to it.
  if (collect_answer(wait)) return true;
  if (!is_in_flight()) sent_.reset();
  return false;
}

bool EachExchange::average_in(LocalTrainer& trainer) {
  // Weights that the round spoilt are left as they are for the trainer's owner, and the Parent, to see.
  if (first_non_finite(local_) != local_.size()) return false;
  average_finite_since(local_, *sent_, received_.weights, options_.beta);
  trainer.write_weights(local_);
  take_statistics(trainer, received_);
  return true;
}

}  // namespace genkidama
