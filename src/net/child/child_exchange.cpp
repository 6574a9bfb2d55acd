#include "net/child/child_exchange.h"

#include <fmt/format.h>

#include <utility>

#include "genkidama/core/error.h"
#include "net/child/each_exchange.h"
#include "net/child/population_exchange.h"
#include "net/child/rounds_exchange.h"
#include "net/child/segments_exchange.h"
#include "net/span_text.h"

namespace genkidama {

std::unique_ptr<ChildExchange> ChildExchange::make(const ChildOptions& options, ChildMailbox& mailbox,
                                                   ChildWire& wire) {
  if (options.exchange == ExchangeKind::kRounds) {
    return std::make_unique<RoundsExchange>(options, mailbox, wire);
  }
  if (options.exchange == ExchangeKind::kSegments) {
    return std::make_unique<SegmentsExchange>(options, mailbox, wire);
  }
  if (options.exchange == ExchangeKind::kPopulation) {
    return std::make_unique<PopulationExchange>(options, mailbox, wire);
  }
  return std::make_unique<EachExchange>(options, mailbox, wire);
}

ChildExchange::ChildExchange(const ChildOptions& options, ChildMailbox& mailbox, ChildWire& wire)
    : options_(options), words_(wire.words()), mailbox_(mailbox), wire_(wire) {
  if (!options_.resume) return;
  session_ = *options_.resume;
  since_child_began_ = session_.since_child_began;
}

bool ChildExchange::wait_for_parent() {
  return wait_for_parent(options_.join_timeout);
}

bool ChildExchange::wait_for_parent(Milliseconds limit) {
  const auto outcome = mailbox_.wait_joined(Deadline::after(limit));
  if (outcome == ChildMailbox::Outcome::kOver) return false;
  if (outcome != ChildMailbox::Outcome::kReady) {
    throw IoError(fmt::format("no {} within {} {}: {}", words_.the_parent, span_text(limit), wire_.where(),
                              mailbox_.last_failure()));
  }
  return true;
}

ExchangeReport ChildExchange::after_round(LocalTrainer& trainer, const RoundReport& round) {
  if (send_round(trainer, round)) return take_answer(trainer);
  return {averaged_, waited_seconds_};
}

ExchangeReport ChildExchange::after_playing(LocalTrainer& trainer, const Played& played, double mean_return) {
  if (send_playing(trainer, played, mean_return)) return take_answer(trainer);
  return {averaged_, waited_seconds_};
}

bool ChildExchange::send_playing(LocalTrainer& trainer, const Played& played, double mean_return) {
  unsent_returns_.add({mean_return * static_cast<double>(played.episodes), played.episodes});
  return send_played(trainer, played);
}

bool ChildExchange::send_round(LocalTrainer& trainer, const RoundReport& round) {
  for (const EpisodeResult& episode : round.episodes) unsent_returns_.add(episode.episode_return);
  return send_played(trainer, round.in_round());
}

bool ChildExchange::send_played(LocalTrainer& trainer, const Played& played) {
  since_child_began_ += played;
  waited_seconds_ = 0;
  averaged_ = 0;
  return begin_exchange(trainer);
}

ExchangeReport ChildExchange::take_answer(LocalTrainer& trainer) {
  if (end_exchange(trainer)) ++averaged_;
  return {averaged_, waited_seconds_};
}

std::optional<std::string> ChildExchange::over() const {
  if (const auto refusal = mailbox_.refusal()) {
    if (refusal->code == RefusalCode::kLayout) {
      throw LayoutError(fmt::format("the {} refused this {}: {}", words_.the_parent,
                                    options_.exchange == ExchangeKind::kSegments ? "actor" : "network",
                                    refusal->reason));
    }
    throw IoError(fmt::format("the {} refused this {} ({}): {}", words_.the_parent, words_.the_child,
                              refusal_code_text(refusal->code), refusal->reason));
  }
  if (const auto reason = mailbox_.end_reason()) {
    return fmt::format("the {} ended the run: {}", words_.the_parent, *reason);
  }
  if (mailbox_.stop_requested()) return "stop requested";
  return std::nullopt;
}

void ChildExchange::read_local(const LocalTrainer& trainer) {
  local_.resize(trainer.layout().size());
  trainer.read_weights(local_);
  if (trainer.statistics_components() > 0) own_ = trainer.own_statistics().statistics;
}

void ChildExchange::take_statistics(LocalTrainer& trainer, const ParentWeights& received) {
  if (trainer.statistics_components() > 0) trainer.write_other_statistics(received.other_statistics);
}

bool ChildExchange::send(OutgoingWeights out) {
  const auto ticket = mailbox_.ticket();
  if (!ticket || (out.generation > 0 && out.generation != ticket->generation)) return false;
  if (std::exchange(generation_, ticket->generation) != ticket->generation) {
    session_.run_id = mailbox_.run_id();
    session_.session = ticket->session;
    session_.sequence = ticket->sequence;
  }
  ++session_.sequence;
  session_.since_child_began = since_child_began_;
  out.generation = ticket->generation;
  out.header.session = session_.session;
  out.header.sequence = session_.sequence;
  out.header.environment_steps = since_child_began_.steps;
  out.header.episodes = since_child_began_.episodes;
  unanswered_returns_.add(std::exchange(unsent_returns_, {}));
  if (unanswered_returns_.episodes > 0) mean_return_ = unanswered_returns_.mean();
  out.header.mean_return = mean_return_;
  out.own_statistics = own_;
  flight_ = Flight{*ticket, session_.sequence};
  wire_.send(std::move(out));
  return true;
}

bool ChildExchange::collect_answer(bool wait) {
  using Outcome = ChildMailbox::Outcome;
  const Flight& flight = *flight_;
  const Clock::time_point since = wait ? Clock::now() : Clock::time_point();
  const Outcome outcome =
      wait ? mailbox_.wait_answer(flight.ticket, flight.sequence, options_.limits.close_timeout)
           : mailbox_.look_for_answer(flight.ticket, flight.sequence);
  if (wait) waited_seconds_ += seconds_since(since);
  return end_flight(outcome);
}

bool ChildExchange::collect_answer_within(Clock::duration span) {
  const Clock::time_point since = Clock::now();
  const auto outcome = mailbox_.wait_answer_for(flight_->ticket, flight_->sequence, span);
  waited_seconds_ += seconds_since(since);
  return end_flight(outcome);
}

bool ChildExchange::end_flight(ChildMailbox::Outcome outcome) {
  using Outcome = ChildMailbox::Outcome;
  if (outcome == Outcome::kTimeout) return false;
  flight_.reset();
  if (outcome != Outcome::kReady) return false;
  mailbox_.take_weights(received_);
  unanswered_returns_ = {};
  return true;
}

}  // namespace genkidama
