#include "net/child/population_exchange.h"

#include <utility>

#include "core/failpoint.h"

namespace genkidama {

void PopulationExchange::begin(LocalTrainer& trainer) {
  if (!wait_for_parent()) return;
  mailbox_.take_join(join_);
  follow(trainer, join_.weights, /*takes_weights=*/true);
}

void PopulationExchange::follow(LocalTrainer& trainer, const ParentWeights& received, bool takes_weights) {
  std::vector<NamedValue> values;
  for (std::size_t i = 0; i < received.explored.size(); ++i)
    values.push_back({received.explored[i], received.orders.values[i]});
  // Values that stay cost a trainer nothing.
  trainer.tune(values);
  if (takes_weights) {
    trainer.write_weights(received.weights);
    // The moments are of other weights' gradients.
    if (const MomentsShape shape = trainer.moments_shape(); shape.size > 0)
      trainer.write_moments({0, std::vector<float>(shape.size)});
  }
  take_statistics(trainer, received);
}

bool PopulationExchange::settle(LocalTrainer& trainer) {
  const std::uint64_t session_before = join_.ticket.session;
  if (!mailbox_.take_join(join_)) return true;
  const std::uint64_t unanswered = std::exchange(unanswered_, 0);
  const bool is_new = join_.ticket.session != session_before;
  // In the same session the Parent may have told this member to copy another one, in an answer that was lost.
  const bool was_told =
      join_.weights.orders.takes_weights && unanswered > 0 && join_.ticket.sequence >= unanswered;
  follow(trainer, join_.weights, is_new || was_told);
  return !is_new && !was_told;
}

bool PopulationExchange::begin_exchange(LocalTrainer& trainer) {
  if (!mailbox_.ticket()) return false;
  if (!settle(trainer)) return false;
  read_local(trainer);
  if (!sent_ || sent_.use_count() > 1) sent_ = std::make_shared<std::vector<float>>();
  std::swap(*sent_, local_);
  OutgoingWeights out;
  out.header.type = FrameType::kChildWeights;
  out.header.update = mailbox_.update();
  out.weights = sent_;
  // A link that was joined a moment ago has its turn in the next round.
  out.generation = join_.ticket.generation;
  GENKIDAMA_FAILPOINT("child_before_send");
  if (!send(std::move(out))) return false;
  unanswered_ = session().sequence;
  return true;
}

bool PopulationExchange::end_exchange(LocalTrainer& trainer) {
  GENKIDAMA_FAILPOINT("child_sent");
  if (!collect_answer(/*wait=*/true)) return false;
  GENKIDAMA_FAILPOINT("child_answered");
  unanswered_ = 0;
  follow(trainer, received_, received_.orders.takes_weights);
  return true;
}

}  // namespace genkidama
