#pragma once

/// @file
/// Peers in virtual time: machines that learn and average with their neighbours, without a Parent. The
/// learning and the averaging are the real ones; only time, machines and links are a model.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/params/local_trainer.h"
#include "genkidama/params/mixing.h"
#include "genkidama/params/topology.h"
#include "genkidama/sim/simulation.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace sim {

/// A time in which nothing crosses between two parts of the machines.
struct GraphPartition {
  double begins_seconds = 0;    ///< >= 0
  double ends_seconds = 0;      ///< above begins_seconds
  std::vector<std::size_t> of;  ///< the machines of one part; all others are the other part
};

/// What is simulated.
struct PeersSimulationOptions {
  Topology topology = Topology::make(TopologyKind::kRing, 2);  ///< who sends to whom
  MixingRule rule = MixingRule::kDiffusion;                    ///< how weights are averaged
  std::uint64_t max_staleness = 10;                            ///< PeerOptions::max_staleness
  bool overlap = false;                                        ///< PeerOptions::overlap
  double exchange_timeout_seconds = 30;                        ///< PeerOptions::exchange_timeout; > 0
  /// One for each machine of the graph. A transfer goes through the sender's link and then through the
  /// receiver's. LinkModel::loss and partitions of a link are taken as in Simulation, but for those that
  /// outlast a connection. A machine that was away comes back as a new process does: with the weights of the
  /// neighbour that is furthest on.
  std::vector<SimulatedMachine> machines;
  std::vector<GraphPartition>
      partitions{};                 ///< both ends lose their links when it begins, and have them when it ends
  int environments = 1;             ///< of each machine that are played side by side
  std::uint64_t seed = 1;           ///< of jitter and loss, and of the rule's choices
  double max_seconds = 0;           ///< virtual seconds after which it ends; 0: no limit
  std::function<bool()> give_up{};  ///< asked now and then; true ends it
};

/// A machine has trained a round and averaged.
struct SimulatedPeerRound {
  double seconds = 0;                     ///< virtual time
  std::size_t machine = 0;                ///< whose round it was
  std::uint64_t rounds = 0;               ///< of all machines so far
  Played played;                          ///< by all machines so far
  std::optional<double> recent_return{};  ///< mean of the latest 100 episodes of all machines
  std::span<const float> weights{};       ///< the machine's, after it; valid only during the call
  std::size_t mixed = 0;                  ///< neighbours whose weights were averaged in
  double distance =
      0;  ///< ||own - its|| / ||own||, the mean over the neighbours that are there and were compared
};

/// What it came to.
struct PeersSummary {
  double seconds = 0;                 ///< virtual time at its end
  std::uint64_t rounds = 0;           ///< of all machines
  Played played;                      ///< by all machines
  std::uint64_t optimizer_steps = 0;  ///< by all machines
  std::uint64_t bytes = 0;            ///< that all machines have sent, headers with them
  double computing_seconds = 0;       ///< the sum over all machines
  double waiting_seconds = 0;         ///< for neighbours, the sum over all machines
  std::uint64_t mixed = 0;            ///< weights that were averaged in
  std::uint64_t missing = 0;          ///< neighbours that were waited for in vain
  std::uint64_t links_lost = 0;       ///< by partitions and machines that went
  double mass = 0;                    ///< of kPushSum, of all machines that are there together
  std::uint64_t events = 0;           ///< that were simulated
  std::string end{};                  ///< as SimulationSummary::end
};

/// Plays one simulation, in the thread that calls run(): the same trainers, options and seed give the same
/// result, bit for bit, on the same build and processor.
class PeersSimulation {
 public:
  /// Is told of each round, and returns whether to go on.
  using Observer = std::function<bool(const SimulatedPeerRound&)>;

  /// `trainers`: one for each machine, of equal layouts. They outlive the simulation. Throws ArgumentError
  /// for options out of range.
  PeersSimulation(PeersSimulationOptions options, std::vector<LocalTrainer*> trainers);
  ~PeersSimulation();
  PeersSimulation(const PeersSimulation&) = delete;
  PeersSimulation& operator=(const PeersSimulation&) = delete;

  /// Simulates until the observer returns false, the options end it, or no machine is left. To be called
  /// once. Throws what a trainer throws.
  PeersSummary run(const Observer& observer);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// How many rounds of all machines it takes until what one of them finds has reached every other one with at
/// least `share` of what it is to be in the end, by mixing_matrix(): the diffusion time of a graph. The
/// greatest over all finders; nothing when it takes more than 1,000,000 rounds.
std::optional<std::uint64_t> diffusion_rounds(const MixingMatrix& matrix, double share = 0.5);

}  // namespace sim
}  // namespace genkidama
