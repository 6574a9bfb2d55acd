// One learner in virtual time, alone or with players on other machines.

#include <algorithm>
#include <utility>

#include "genkidama/wire/frame.h"
#include "genkidama/wire/statistics.h"
#include "sim/engine.h"
#include "sim/event_queue.h"
#include "sim/pipe.h"

namespace genkidama::sim {
namespace {

struct Player {
  Player(const SimulatedMachine& machine, Random numbers)
      : model(machine),
        up(machine.link.bits_per_second),
        down(machine.link.bits_per_second),
        random(numbers) {}

  const SimulatedMachine& model;
  Pipe up, down;
  Random random;
  Clock::time_point start = kBeginning;  // of the next round: it has the weights
};

/// What a player sends of a round, at the learner's link.
struct Arrival {
  Passage passage;
  std::size_t player = 0, bytes = 0;
};

/// Segments are sent while the round is played. The first machine's need no link.
class LearnerEngine final : public Engine {
 public:
  LearnerEngine(const SimulationOptions& options, LocalTrainer& trainer)
      : options_(options),
        trainer_(trainer),
        ingress_(options.parent_bits_per_second),
        egress_(options.parent_bits_per_second),
        weights_(trainer.layout().size()) {
    players_.reserve(options.machines.size());
    for (std::size_t i = 0; i < options.machines.size(); ++i)
      players_.emplace_back(options.machines[i], random_of(options, i));
  }

  SimulationSummary run(const Simulation::Observer& observer) override {
    for (bool goes_on = true; goes_on;) {
      const RoundReport report = trainer_.train_round();
      const Clock::time_point ended =
          learn(play(static_cast<double>(report.steps_in_round)), report.optimizer_steps);
      send_weights(ended);
      summary_.seconds = seconds_of(ended - kBeginning);
      summary_.optimizer_steps += report.optimizer_steps;
      summary_.played += report.in_round();
      ++summary_.updates;
      recent_.add(report.episodes);
      goes_on = observer(update());
    }
    return summary_;
  }

 private:
  /// When all of the round is at the learner.
  Clock::time_point play(double steps) {
    const double share = steps / static_cast<double>(players_.size());
    arrivals_.clear();
    ends_.clear();
    Clock::time_point complete{};
    for (std::size_t i = 0; i < players_.size(); ++i) {
      Player& player = players_[i];
      const MachineModel& machine = player.model.machine;
      const double seconds =
          with_jitter(machine, playing_seconds(machine, share, options_.environments), player.random);
      summary_.computing_seconds += seconds;
      const Clock::time_point end = player.start + span_of(seconds);
      ends_.push_back(end);
      if (i == 0) {
        complete = end;
        continue;
      }
      const auto message =
          kFrameHeaderBytes + static_cast<std::size_t>(share * static_cast<double>(options_.bytes_per_step));
      const std::size_t bytes = bytes_on_wire(message);
      Passage out = player.up.pass({player.start, end}, bytes);
      // What is sent all the time has no window to open.
      const Clock::duration delay =
          delay_of(player.model.link, std::min(message, kPacketBytes), player.random);
      arrivals_.push_back({{out.first + delay, out.last + delay}, i, bytes});
      summary_.bytes_up += bytes;
    }
    std::sort(arrivals_.begin(), arrivals_.end(), [](const Arrival& a, const Arrival& b) {
      return std::pair(a.passage.last, a.player) < std::pair(b.passage.last, b.player);
    });
    for (const Arrival& arrival : arrivals_)
      complete = std::max(complete, ingress_.pass(arrival.passage, arrival.bytes).last);
    return complete;
  }

  Clock::time_point learn(Clock::time_point begin, std::uint64_t optimizer_steps) {
    const MachineModel& machine = players_.front().model.machine;
    const double seconds = with_jitter(
        machine, machine.factor * machine.seconds_per_gradient * static_cast<double>(optimizer_steps),
        players_.front().random);
    summary_.computing_seconds += seconds;
    summary_.waiting_seconds += seconds_of(begin - ends_.front());
    return begin + span_of(seconds);
  }

  void send_weights(Clock::time_point now) {
    const std::size_t message =
        frame_bytes(weights_.size(), statistics_bytes(trainer_.statistics_components()));
    const std::size_t bytes = bytes_on_wire(message);
    players_.front().start = now;
    for (std::size_t i = 1; i < players_.size(); ++i) {
      Player& player = players_[i];
      const Passage out = player.down.pass(egress_.pass({now, now}, bytes), bytes);
      player.start = out.last + delay_of(player.model.link, message, player.random);
      summary_.bytes_down += bytes;
      summary_.waiting_seconds += seconds_of(player.start - ends_[i]);
    }
  }

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

  const SimulationOptions& options_;
  LocalTrainer& trainer_;
  Pipe ingress_, egress_;
  std::vector<Player> players_;
  std::vector<Arrival> arrivals_;
  std::vector<Clock::time_point> ends_;  // of playing, by player
  std::vector<float> weights_;
  RecentReturns recent_;
  SimulationSummary summary_;
};

}  // namespace

std::unique_ptr<Engine> make_learner_engine(const SimulationOptions& options, LocalTrainer& trainer) {
  return std::make_unique<LearnerEngine>(options, trainer);
}

}  // namespace genkidama::sim
