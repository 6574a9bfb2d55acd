// One learner in virtual time, alone or with players on other machines.

#include <utility>
#include <vector>

#include "genkidama/wire/frame.h"
#include "genkidama/wire/statistics.h"
#include "sim/engine.h"
#include "sim/event_queue.h"
#include "sim/player_group.h"

namespace genkidama::sim {
namespace {

class LearnerEngine final : public Engine {
 public:
  LearnerEngine(const SimulationOptions& options, LocalTrainer& trainer)
      : trainer_(trainer),
        group_(options, 0, options.machines.size(), options.parent_bits_per_second),
        weights_(trainer.layout().size()) {}

  SimulationSummary run(const Simulation::Observer& observer) override {
    const std::size_t message =
        frame_bytes(weights_.size(), statistics_bytes(trainer_.statistics_components()));
    Clock::time_point ended = kBeginning;
    for (bool goes_on = true; goes_on;) {
      const RoundReport report = trainer_.train_round();
      ended =
          within_reach(group_.play_round(static_cast<double>(report.steps_in_round), report.optimizer_steps));
      group_.send_weights(ended, message);
      summary_.seconds = seconds_of(ended - kBeginning);
      summary_.optimizer_steps += report.optimizer_steps;
      summary_.played += report.in_round();
      ++summary_.updates;
      recent_.add(report.episodes);
      goes_on = observer(update());
    }
    summary_.computing_seconds = group_.computed_by(ended);
    summary_.waiting_seconds = group_.waited_by(ended);
    summary_.bytes_up = group_.bytes_up();
    summary_.bytes_down = group_.bytes_down();
    return summary_;
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
  PlayerGroup group_;
  std::vector<float> weights_;
  RecentReturns recent_;
  SimulationSummary summary_;
};

}  // namespace

std::unique_ptr<Engine> make_learner_engine(const SimulationOptions& options, LocalTrainer& trainer) {
  return std::make_unique<LearnerEngine>(options, trainer);
}

}  // namespace genkidama::sim
