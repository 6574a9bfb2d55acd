#include "mpi/all_reduce_exchange.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "genkidama/core/clock.h"
#include "genkidama/core/error.h"

namespace genkidama::mpi {
namespace {

// What over() says, and summary.json with it.
constexpr const char* kGroupEnded = "group";
constexpr const char* kGivenUp = "signal";

/// Numbers that are equal on two ranks if their policies are: below 2^32, so that sums of them are exact.
std::array<double, 2> digest_of(const LocalTrainer& trainer) {
  const PolicyDescription policy = trainer.policy_description();
  std::uint64_t hash = trainer.layout().hash();
  // FNV-1a over the texts.
  for (const std::string& text : {policy.network, policy.behaviour, policy.normalisation}) {
    for (const char c : text + '\n') hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211u;
  }
  return {static_cast<double>(hash >> 32), static_cast<double>(hash & 0xffffffffu)};
}

}  // namespace

AllReduceExchange::AllReduceExchange(Session& session, std::chrono::milliseconds timeout,
                                     std::function<bool()> give_up)
    : session_(session), patience_{timeout, std::move(give_up)} {}

void AllReduceExchange::begin(LocalTrainer& trainer) {
  const auto digest = digest_of(trainer);
  if (!done(session_.gather(digest, everybody_, patience_))) return;
  for (std::size_t rank = 0; rank < static_cast<std::size_t>(session_.size()); ++rank) {
    if (everybody_[2 * rank] == everybody_[0] && everybody_[2 * rank + 1] == everybody_[1]) continue;
    throw LayoutError(fmt::format(
        "rank {} trains another network or policy than rank 0; expected the same program with the "
        "same options on all of the {} ranks",
        rank, session_.size()));
  }
  weights_.resize(trainer.layout().size());
  trainer.read_weights(weights_);
  if (!done(session_.broadcast(weights_, patience_))) return;
  if (session_.rank() != 0) trainer.write_weights(weights_);
  merge_statistics(trainer);
}

ExchangeReport AllReduceExchange::after_round(LocalTrainer& trainer, const RoundReport& round) {
  if (over_) return {};
  const auto began = Clock::now();
  ExchangeReport report;
  double all_steps = 0;
  if (agree_to_average(round.steps_in_round, false, all_steps)) {
    average_weights(trainer, static_cast<double>(round.steps_in_round) / all_steps);
    merge_statistics(trainer);
    if (!over_) report.averaged = 1;
  }
  report.waited_seconds = seconds_since(began);
  return report;
}

ExchangeReport AllReduceExchange::finish(LocalTrainer&) {
  if (over_) return {};
  const auto began = Clock::now();
  double all_steps = 0;
  agree_to_average(0, true, all_steps);
  return {0, seconds_since(began)};
}

bool AllReduceExchange::agree_to_average(std::uint64_t steps, bool ends, double& all_steps) {
  std::array<double, 2> sums{static_cast<double>(steps), ends ? 1.0 : 0.0};
  if (!done(session_.sum(std::span<double>(sums), patience_))) return false;
  all_steps = sums[0];
  if (sums[1] > 0) over_ = kGroupEnded;
  return !over_ && all_steps > 0;
}

void AllReduceExchange::average_weights(LocalTrainer& trainer, double share) {
  trainer.read_weights(weights_);
  for (float& weight : weights_) weight = static_cast<float>(share * weight);
  if (done(session_.sum(std::span<float>(weights_), patience_))) trainer.write_weights(weights_);
}

void AllReduceExchange::merge_statistics(LocalTrainer& trainer) {
  const std::size_t components = trainer.statistics_components();
  if (components == 0 || over_) return;
  const RunningStatistics own = trainer.own_statistics().statistics;
  if (!done(session_.gather(own.values(), everybody_, patience_))) return;
  RunningStatistics others(components);
  const std::size_t numbers = own.values().size();
  for (std::size_t rank = 0; rank < static_cast<std::size_t>(session_.size()); ++rank) {
    if (rank == static_cast<std::size_t>(session_.rank())) continue;
    others.merge(RunningStatistics(std::span<const double>(everybody_).subspan(rank * numbers, numbers)));
  }
  trainer.write_other_statistics(others);
}

bool AllReduceExchange::done(Outcome outcome) {
  if (outcome == Outcome::kGivenUp) over_ = kGivenUp;
  return outcome == Outcome::kDone;
}

}  // namespace genkidama::mpi
