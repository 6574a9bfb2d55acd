#include "net/child/child_exchange.h"

#include <fmt/format.h>

#include <utility>

#include "core/failpoint.h"
#include "genkidama/core/error.h"
#include "genkidama/params/weighted_average.h"

namespace genkidama {

ChildExchange::ChildExchange(const ChildOptions& options, ChildMailbox& mailbox, ChildWire& wire)
    : options_(options), mailbox_(mailbox), wire_(wire) {
  if (!options_.resume) return;
  session_ = *options_.resume;
  since_child_began_ = session_.since_child_began;
}

void ChildExchange::begin(LocalTrainer& trainer) {
  const auto outcome = mailbox_.wait_joined(Deadline::after(options_.join_timeout));
  if (outcome == ChildMailbox::Outcome::kOver) return;
  if (outcome != ChildMailbox::Outcome::kReady) {
    throw IoError(fmt::format("no Parent within {} ms {}: {}", options_.join_timeout.count(), wire_.where(),
                              mailbox_.last_failure()));
  }
  mailbox_.take_weights(received_);
  if (!mailbox_.began_resumed()) trainer.write_weights(received_);
}

ExchangeReport ChildExchange::after_round(LocalTrainer& trainer, const RoundReport& round) {
  since_child_began_ += round.in_round();
  for (const EpisodeResult& episode : round.episodes) unsent_returns_.add(episode.episode_return);
  const bool averaged = options_.overlap ? exchange_overlapped(trainer) : exchange(trainer);
  return {averaged ? std::uint64_t{1} : 0};
}

ExchangeReport ChildExchange::finish(LocalTrainer& trainer) {
  ExchangeReport report;
  if (!options_.overlap) return report;
  if (flight_) {
    if (collect_answer(/*wait=*/true)) {
      read_local(trainer);
      if (average_in(trainer)) ++report.averaged;
    } else if (const auto ticket = mailbox_.ticket(); ticket && ticket->generation == generation_) {
      // The answer may still come, in place of the next one's.
      return report;
    }
  }
  if (unsent_ && exchange(trainer)) ++report.averaged;
  return report;
}

std::optional<std::string> ChildExchange::over() const {
  if (const auto refusal = mailbox_.refusal()) {
    if (refusal->code == RefusalCode::kLayout) {
      throw LayoutError("the Parent refused this network: " + refusal->reason);
    }
    throw IoError(fmt::format("the Parent refused this Child ({}): {}", refusal_code_text(refusal->code),
                              refusal->reason));
  }
  if (const auto reason = mailbox_.end_reason()) return "the Parent ended the run: " + *reason;
  if (mailbox_.stop_requested()) return "stop requested";
  return std::nullopt;
}

bool ChildExchange::exchange(LocalTrainer& trainer) {
  if (!mailbox_.ticket()) return false;
  read_local(trainer);
  GENKIDAMA_FAILPOINT("child_before_send");
  if (!send()) return false;
  GENKIDAMA_FAILPOINT("child_sent");
  if (!collect_answer(/*wait=*/true)) return false;
  GENKIDAMA_FAILPOINT("child_answered");
  average_finite(*sent_, received_, options_.beta);
  trainer.write_weights(*sent_);
  return true;
}

bool ChildExchange::exchange_overlapped(LocalTrainer& trainer) {
  read_local(trainer);
  const bool averaged = flight_ && collect_answer(/*wait=*/false) && average_in(trainer);
  unsent_ = flight_ || !send();
  return averaged;
}

void ChildExchange::read_local(const LocalTrainer& trainer) {
  local_.resize(trainer.layout().size());
  trainer.read_weights(local_);
}

bool ChildExchange::send() {
  const auto ticket = mailbox_.ticket();
  if (!ticket) return false;
  if (std::exchange(generation_, ticket->generation) != ticket->generation) {
    session_.run_id = mailbox_.run_id();
    session_.session = ticket->session;
    session_.sequence = ticket->sequence;
  }
  ++session_.sequence;
  session_.since_child_began = since_child_began_;
  if (!sent_) sent_ = std::make_shared<std::vector<float>>();
  std::swap(*sent_, local_);
  OutgoingWeights out;
  out.generation = ticket->generation;
  out.header.type = FrameType::kChildWeights;
  out.header.session = session_.session;
  out.header.sequence = session_.sequence;
  out.header.update = mailbox_.update();
  out.header.environment_steps = since_child_began_.steps;
  out.header.episodes = since_child_began_.episodes;
  unanswered_returns_.add(std::exchange(unsent_returns_, {}));
  if (unanswered_returns_.episodes > 0) mean_return_ = unanswered_returns_.mean();
  out.header.mean_return = mean_return_;
  out.weights = sent_;
  flight_ = Flight{*ticket, session_.sequence};
  wire_.send(std::move(out));
  return true;
}

bool ChildExchange::collect_answer(bool wait) {
  using Outcome = ChildMailbox::Outcome;
  const Flight& flight = *flight_;
  const Outcome outcome =
      wait ? mailbox_.wait_answer(flight.ticket, flight.sequence, options_.limits.close_timeout)
           : mailbox_.look_for_answer(flight.ticket, flight.sequence);
  if (outcome == Outcome::kTimeout) return false;
  flight_.reset();
  if (outcome == Outcome::kReady) {
    // The io thread has finished with sent_: an answer to what was not wholly sent is refused there.
    mailbox_.take_weights(received_);
    unanswered_returns_ = {};
    return true;
  }
  // It may not have here, so this memory is left to it.
  sent_.reset();
  return false;
}

bool ChildExchange::average_in(LocalTrainer& trainer) {
  // Weights that the round spoilt are left as they are for the trainer's owner, and the Parent, to see.
  if (first_non_finite(local_) != local_.size()) return false;
  average_finite_since(local_, *sent_, received_, options_.beta);
  trainer.write_weights(local_);
  return true;
}

}  // namespace genkidama
