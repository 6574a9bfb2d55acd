#pragma once

// A server, and the hosts that step its environments, in virtual time.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/sim/simulation.h"
#include "sim/event_queue.h"
#include "sim/machine_link.h"
#include "sim/pipe.h"

namespace genkidama::sim {

/// How long the rounds of a server take, and what crosses the links of its hosts. The first machine is the
/// server. In a turn it computes the actions of all environments in one batch and asks all hosts; they step
/// theirs one after the other and answer, and the next turn begins when all answers are there. Nothing is
/// learnt here.
class HostGroup {
 public:
  /// The options outlive the group.
  explicit HostGroup(const SimulationOptions& options);

  /// A round in which environments are asked so many times in all, for a step or for a new episode. When the
  /// server has learnt from all of it.
  Clock::time_point play_round(std::uint64_t requests, std::uint64_t optimizer_steps);

  std::uint64_t turns() const { return turns_; }
  std::uint64_t bytes_up() const { return bytes_up_; }      ///< to the server, headers with them
  std::uint64_t bytes_down() const { return bytes_down_; }  ///< from it
  double computing_seconds() const { return computing_seconds_; }
  /// The rest of all machines' time.
  double waiting_seconds() const;

 private:
  struct Host {
    Host(const SimulatedMachine& model, Random numbers)
        : machine(model.machine), link(model.link), random(numbers) {}

    const MachineModel& machine;
    MachineLink link;
    Random random;
  };

  /// What a host answers, at the server's link.
  struct Arrival {
    Passage passage;
    std::size_t host = 0, bytes = 0;
  };

  void play_turn(std::uint64_t requests);
  /// Of one host that is asked for so many steps at this moment.
  Arrival answer(std::size_t host, std::uint64_t requests, Clock::time_point asked);
  void compute(double seconds);

  const SimulationOptions& options_;
  const MachineModel& server_;
  Random server_random_;
  Pipe ingress_, egress_;
  std::vector<Host> hosts_;
  std::vector<Arrival> arrivals_;
  Clock::time_point now_ = kBeginning;
  double computing_seconds_ = 0;
  std::uint64_t turns_ = 0, bytes_up_ = 0, bytes_down_ = 0;
};

}  // namespace genkidama::sim
