// One trainer in virtual time: alone, with players on other machines, with hosts of its environments, or for
// learners whose weights are at shards.

#include <cstddef>
#include <memory>
#include <vector>

#include "genkidama/wire/frame.h"
#include "genkidama/wire/statistics.h"
#include "sim/engine.h"
#include "sim/event_queue.h"
#include "sim/host_group.h"
#include "sim/player_group.h"
#include "sim/shard_group.h"

namespace genkidama::sim {
namespace {

/// What the rounds of one trainer take; who plays them, and where, says whoever derives from it.
class OneTrainerEngine : public Engine {
 public:
  explicit OneTrainerEngine(LocalTrainer& trainer) : trainer_(trainer), weights_(trainer.layout().size()) {}

  SimulationSummary run(const Simulation::Observer& observer) final {
    Clock::time_point ended = kBeginning;
    for (bool goes_on = true; goes_on;) {
      const RoundReport report = trainer_.train_round();
      ended = within_reach(play(report));
      summary_.seconds = seconds_of(ended - kBeginning);
      summary_.optimizer_steps += report.optimizer_steps;
      summary_.played += report.in_round();
      ++summary_.updates;
      recent_.add(report.episodes);
      goes_on = observer(update());
    }
    complete(summary_, ended);
    return summary_;
  }

 protected:
  /// When the round has been played and learnt from.
  virtual Clock::time_point play(const RoundReport& report) = 0;
  /// What the machines did until then, and what crossed their links.
  virtual void complete(SimulationSummary& summary, Clock::time_point ended) const = 0;

  /// Of the weights, as they are sent.
  std::size_t message() const {
    return frame_bytes(weights_.size(), statistics_bytes(trainer_.statistics_components()));
  }

 private:
  SimulatedUpdate update() {
    SimulatedUpdate update;
    update.seconds = summary_.seconds;
    update.update = summary_.updates;
    update.played = summary_.played;
    update.recent_return = recent_.mean();
    trainer_.read_weights(weights_);
    update.weights = weights_;
    if (trainer_.statistics_components() > 0) update.all_statistics = trainer_.own_statistics().statistics;
    return update;
  }

  LocalTrainer& trainer_;
  std::vector<float> weights_;
  RecentReturns recent_;
  SimulationSummary summary_;
};

/// A learner with players, or alone.
class LearnerEngine final : public OneTrainerEngine {
 public:
  LearnerEngine(const SimulationOptions& options, LocalTrainer& trainer)
      : OneTrainerEngine(trainer),
        group_(options, 0, options.machines.size(), options.parent_bits_per_second) {}

 private:
  Clock::time_point play(const RoundReport& report) override {
    const auto ended =
        within_reach(group_.play_round(static_cast<double>(report.steps_in_round), report.optimizer_steps));
    group_.send_weights(ended, message());
    return ended;
  }

  void complete(SimulationSummary& summary, Clock::time_point ended) const override {
    summary.computing_seconds = group_.computed_by(ended);
    summary.waiting_seconds = group_.waited_by(ended);
    summary.bytes_up = group_.bytes_up();
    summary.bytes_down = group_.bytes_down();
  }

  PlayerGroup group_;
};

/// A server with hosts of its environments.
class ServerEngine final : public OneTrainerEngine {
 public:
  ServerEngine(const SimulationOptions& options, LocalTrainer& trainer)
      : OneTrainerEngine(trainer), group_(options) {}

 private:
  Clock::time_point play(const RoundReport& report) override {
    // Each episode was begun by a request of its own.
    return group_.play_round(report.steps_in_round + report.episodes.size(), report.optimizer_steps);
  }

  void complete(SimulationSummary& summary, Clock::time_point) const override {
    summary.computing_seconds = group_.computing_seconds();
    summary.waiting_seconds = group_.waiting_seconds();
    summary.bytes_up = group_.bytes_up();
    summary.bytes_down = group_.bytes_down();
    summary.turns = group_.turns();
  }

  HostGroup group_;
};

/// Learners whose weights are at shards. The trainer learns for all of them.
class ShardsEngine final : public OneTrainerEngine {
 public:
  ShardsEngine(const SimulationOptions& options, LocalTrainer& trainer)
      : OneTrainerEngine(trainer), group_(options, trainer.layout().size()) {}

 private:
  Clock::time_point play(const RoundReport& report) override {
    return group_.play_round(static_cast<double>(report.steps_in_round), report.optimizer_steps);
  }

  void complete(SimulationSummary& summary, Clock::time_point) const override {
    summary.computing_seconds = group_.computing_seconds();
    summary.waiting_seconds = group_.waiting_seconds();
    summary.bytes_up = group_.bytes_up();
    summary.bytes_down = group_.bytes_down();
  }

  ShardGroup group_;
};

}  // namespace

std::unique_ptr<Engine> make_learner_engine(const SimulationOptions& options, LocalTrainer& trainer) {
  return std::make_unique<LearnerEngine>(options, trainer);
}

std::unique_ptr<Engine> make_server_engine(const SimulationOptions& options, LocalTrainer& trainer) {
  return std::make_unique<ServerEngine>(options, trainer);
}

std::unique_ptr<Engine> make_shards_engine(const SimulationOptions& options, LocalTrainer& trainer) {
  return std::make_unique<ShardsEngine>(options, trainer);
}

}  // namespace genkidama::sim
