#include "net/child/child_exchange.h"

#include <numeric>
#include <utility>

#include "core/failpoint.h"
#include "genkidama/params/weighted_average.h"

namespace genkidama {
namespace {

double mean_return(const RoundReport& round) {
  if (round.episodes.empty()) return 0;
  const double sum =
      std::accumulate(round.episodes.begin(), round.episodes.end(), 0.0,
                      [](double total, const EpisodeResult& e) { return total + e.episode_return; });
  return sum / static_cast<double>(round.episodes.size());
}

}  // namespace

ChildExchange::ChildExchange(const ChildOptions& options, LocalTrainer& trainer, ChildMailbox& mailbox,
                             ChildWire& wire)
    : options_(options), trainer_(trainer), mailbox_(mailbox), wire_(wire) {
  if (!options_.resume) return;
  session_ = *options_.resume;
  earlier_steps_ = session_.environment_steps;
  earlier_episodes_ = session_.episodes;
}

void ChildExchange::begin() {
  mailbox_.take_weights(received_);
  if (!mailbox_.began_resumed()) trainer_.write_weights(received_);
}

ChildSessionState ChildExchange::session() const {
  return session_;
}

bool ChildExchange::exchange(const ChildProgress& progress) {
  if (!mailbox_.ticket()) return false;
  read_local();
  GENKIDAMA_FAILPOINT("child_before_send");
  if (!send(progress)) return false;
  GENKIDAMA_FAILPOINT("child_sent");
  if (!settle(/*wait=*/true)) return false;
  GENKIDAMA_FAILPOINT("child_answered");
  average_finite(*sent_, received_, options_.beta);
  trainer_.write_weights(*sent_);
  return true;
}

bool ChildExchange::exchange_overlapped(const ChildProgress& progress) {
  read_local();
  const bool averaged = flight_ && settle(/*wait=*/false) && average_in();
  unsent_ = flight_ || !send(progress);
  return averaged;
}

std::uint64_t ChildExchange::finish_overlapped(const ChildProgress& progress) {
  std::uint64_t averaged = 0;
  if (flight_) {
    if (settle(/*wait=*/true)) {
      read_local();
      if (average_in()) ++averaged;
    } else if (const auto ticket = mailbox_.ticket(); ticket && ticket->generation == generation_) {
      // The answer may still come, in place of the next one's.
      return averaged;
    }
  }
  if (unsent_ && exchange(progress)) ++averaged;
  return averaged;
}

void ChildExchange::read_local() {
  local_.resize(trainer_.layout().size());
  trainer_.read_weights(local_);
}

bool ChildExchange::send(const ChildProgress& progress) {
  const auto ticket = mailbox_.ticket();
  if (!ticket) return false;
  if (std::exchange(generation_, ticket->generation) != ticket->generation) {
    session_.run_id = mailbox_.run_id();
    session_.session = ticket->session;
    session_.sequence = ticket->sequence;
  }
  ++session_.sequence;
  session_.environment_steps = earlier_steps_ + progress.environment_steps;
  session_.episodes = earlier_episodes_ + progress.episodes;
  if (!sent_) sent_ = std::make_shared<std::vector<float>>();
  std::swap(*sent_, local_);
  OutgoingWeights out;
  out.generation = ticket->generation;
  out.header.type = FrameType::kChildWeights;
  out.header.session = session_.session;
  out.header.sequence = session_.sequence;
  out.header.update = mailbox_.update();
  out.header.environment_steps = session_.environment_steps;
  out.header.episodes = session_.episodes;
  out.header.mean_return = mean_return(progress.round);
  out.weights = sent_;
  flight_ = Flight{*ticket, session_.sequence};
  wire_.send(std::move(out));
  return true;
}

bool ChildExchange::settle(bool wait) {
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
    return true;
  }
  // It may not have here, so this memory is left to it.
  sent_.reset();
  return false;
}

bool ChildExchange::average_in() {
  // Weights that the round spoilt are left as they are for the trainer's owner, and the Parent, to see.
  if (first_non_finite(local_) != local_.size()) return false;
  average_finite_since(local_, *sent_, received_, options_.beta);
  trainer_.write_weights(local_);
  return true;
}

}  // namespace genkidama
