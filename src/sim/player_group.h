#pragma once

// Machines that play, and a learner on the first of them, in virtual time.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/sim/simulation.h"
#include "sim/event_queue.h"
#include "sim/machine_link.h"
#include "sim/pipe.h"

namespace genkidama::sim {

/// How long the rounds of one learner and its players take, and what crosses their links. Each machine plays
/// an equal part of a round with the learner's weights, and sends it while it plays; the first machine needs
/// no link. Nothing is learnt here.
class PlayerGroup {
 public:
  /// The machines of `options` from `first` on, so many; the options outlive the group.
  /// `learner_bits_per_second`: of the learner's own link; 0: no limit.
  PlayerGroup(const SimulationOptions& options, std::size_t first, std::size_t machines,
              double learner_bits_per_second);

  /// A round of so many steps in all. When the learner has learnt from all of it.
  Clock::time_point play_round(double steps, std::uint64_t optimizer_steps);
  /// The learner sends its weights, as messages of so many bytes. The players have them when the next round
  /// begins; without this call they begin at once.
  void send_weights(Clock::time_point now, std::size_t message);

  std::uint64_t bytes_up() const { return bytes_up_; }      ///< to the learner, headers with them
  std::uint64_t bytes_down() const { return bytes_down_; }  ///< from it

  /// Computed until then, which is not before the last round began.
  double computed_by(Clock::time_point moment) const;
  /// The rest of the machines' time until then, since the first round began or weights were sent for it; 0
  /// before that.
  double waited_by(Clock::time_point moment) const;

 private:
  struct Player {
    Player(const SimulatedMachine& model, Random numbers)
        : machine(model.machine), link(model.link), random(numbers) {}

    const MachineModel& machine;
    MachineLink link;
    Random random;
    Clock::time_point start = kBeginning;  // of the next round: it has the weights
  };

  /// What a player sends of a round, at the learner's link.
  struct Arrival {
    Passage passage;
    std::size_t player = 0, bytes = 0;
  };

  /// When all of the round is at the learner.
  Clock::time_point play(double steps);
  Clock::time_point learn(Clock::time_point begin, std::uint64_t optimizer_steps);

  const SimulationOptions& options_;
  Pipe ingress_, egress_;
  std::vector<Player> players_;
  std::vector<Arrival> arrivals_;
  std::vector<Passage> busy_;  // of the last round: what everybody computes
  std::optional<Clock::time_point> began_;
  double computing_seconds_ = 0;  // in all rounds, to their ends
  std::uint64_t bytes_up_ = 0, bytes_down_ = 0;
};

}  // namespace genkidama::sim
