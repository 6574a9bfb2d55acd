#include "mpi/all_reduce_exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/fnv1a.h"
#include "genkidama/core/clock.h"
#include "genkidama/core/error.h"

namespace genkidama::mpi {
namespace {

// What over() says, and summary.json with it.
constexpr const char* kGroupEnded = "group";
constexpr const char* kGivenUp = "signal";

/// Numbers that are equal on two ranks if their policies are: below 2^32, so that sums of them are exact.
std::array<double, 2> digest_of(const LocalTrainer& trainer, bool averages_moments) {
  const PolicyDescription policy = trainer.policy_description();
  std::vector<std::string> texts = {policy.network, policy.behaviour, policy.normalisation};
  if (averages_moments) {
    const MomentsShape shape = trainer.moments_shape();
    texts.push_back(fmt::format("moments {} {} {}", shape.size, shape.squares_begin, shape.squares_end));
  }
  std::uint64_t hash = trainer.layout().hash();
  for (std::string& text : texts) {
    text += '\n';
    hash = fnv1a(std::as_bytes(std::span(text)), hash);
  }
  return {static_cast<double>(hash >> 32), static_cast<double>(hash & 0xffffffffu)};
}

}  // namespace

AllReduceExchange::AllReduceExchange(Session& session, const MpiOptions& options,
                                     std::function<bool()> give_up)
    : session_(session),
      patience_{options.timeout, std::move(give_up)},
      averages_moments_(options.average_moments) {}

void AllReduceExchange::begin(LocalTrainer& trainer) {
  const auto digest = digest_of(trainer, averages_moments_);
  if (!done(session_.gather(digest, everybody_, patience_))) return;
  for (std::size_t rank = 0; rank < static_cast<std::size_t>(session_.size()); ++rank) {
    if (everybody_[2 * rank] == everybody_[0] && everybody_[2 * rank + 1] == everybody_[1]) continue;
    throw LayoutError(
        fmt::format("rank {} trains another network or policy than rank 0, or averages other moments; "
                    "expected the same program with the "
                    "same options on all of the {} ranks",
                    rank, session_.size()));
  }
  weights_.resize(trainer.layout().size());
  trainer.read_weights(weights_);
  if (!done(session_.broadcast(weights_, patience_))) return;
  if (session_.rank() != 0) trainer.write_weights(weights_);
  begin_moments(trainer);
  merge_statistics(trainer);
}

ExchangeReport AllReduceExchange::after_round(LocalTrainer& trainer, const RoundReport& round) {
  if (over_) return {};
  const auto began = Clock::now();
  ExchangeReport report;
  double all_steps = 0;
  if (agree_to_average(round.steps_in_round, false, all_steps)) {
    average_weights(trainer, static_cast<double>(round.steps_in_round) / all_steps);
    average_moments(trainer, round.steps_in_round);
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

void AllReduceExchange::begin_moments(LocalTrainer& trainer) {
  if (!averages_moments_ || over_ || trainer.moments_shape().size == 0) return;
  trainer.read_moments(moments_);
  const std::array<double, 1> own{static_cast<double>(moments_.steps)};
  if (!done(session_.gather(own, everybody_, patience_))) return;
  moments_.steps = static_cast<std::uint64_t>(everybody_[0]);
  if (moments_.steps == 0) return;
  if (!done(session_.broadcast(moments_.values, patience_))) return;
  if (session_.rank() != 0) trainer.write_moments(moments_);
}

// As AveragedMoments::average() does, in 32 bits.
void AllReduceExchange::average_moments(LocalTrainer& trainer, std::uint64_t steps) {
  const MomentsShape shape = trainer.moments_shape();
  if (!averages_moments_ || over_ || shape.size == 0) return;
  trainer.read_moments(moments_);
  const bool counts = moments_.steps > 0;
  const std::array<double, 3> own{static_cast<double>(moments_.steps), counts ? 1.0 : 0.0,
                                  counts ? static_cast<double>(steps) : 0.0};
  if (!done(session_.gather(own, everybody_, patience_))) return;
  double most = 0, ranks = 0, all_steps = 0;
  for (std::size_t i = 0; i < everybody_.size(); i += own.size()) {
    most = std::max(most, everybody_[i]);
    ranks += everybody_[i + 1];
    all_steps += everybody_[i + 2];
  }
  if (ranks == 0) return;
  const double share = all_steps > 0 ? own[2] / all_steps : own[1] / ranks;
  for (float& value : moments_.values) value = counts ? static_cast<float>(share * value) : 0.0F;
  if (!done(session_.sum(std::span<float>(moments_.values), patience_))) return;
  moments_.steps = static_cast<std::uint64_t>(most);
  // What a round has spoilt is for the trainer's owner to see, in the weights.
  if (moments_fault(shape, moments_.values).empty()) trainer.write_moments(moments_);
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
