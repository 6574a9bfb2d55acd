#pragma once

// What a simulation of either kind is, and what both have in common.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/sim/simulation.h"

namespace genkidama::sim {

class Engine {
 public:
  virtual ~Engine() = default;
  virtual SimulationSummary run(const Simulation::Observer& observer) = 0;
};

/// They take options that were checked. A trainer for each machine, or of a tree for each group.
std::unique_ptr<Engine> make_cluster_engine(const SimulationOptions& options,
                                            const std::vector<LocalTrainer*>& trainers);
/// Asynchronous actors: a trainer that plays for each machine, and the learner's behind them.
std::unique_ptr<Engine> make_actors_engine(const SimulationOptions& options,
                                           const std::vector<LocalTrainer*>& trainers);
std::unique_ptr<Engine> make_learner_engine(const SimulationOptions& options, LocalTrainer& trainer);
/// Hosts of environments, and the server that trains in them.
std::unique_ptr<Engine> make_server_engine(const SimulationOptions& options, LocalTrainer& trainer);

/// Learners whose weights are at shards.
std::unique_ptr<Engine> make_shards_engine(const SimulationOptions& options, LocalTrainer& trainer);

/// Throws ArgumentError that names the field.
void check_simulation(const SimulationOptions& options, const std::vector<LocalTrainer*>& trainers);

/// Each throws ArgumentError that names the machine (index + 1) and the field.
void check_machine(const SimulatedMachine& machine, std::size_t index, bool may_come_and_go);
/// For links whose connections are not made anew.
void check_partitions(const LinkModel& link, std::size_t index);

/// Whether weights are merged by a Parent.
inline bool has_parent(const SimulationOptions& options) {
  return options.cut == Cut::kWeights || options.cut == Cut::kTree;
}

/// How many Parents stand between the topmost one and the machines.
inline std::size_t middle_parents(const SimulationOptions& options) {
  return options.cut == Cut::kWeights && options.groups > 1 ? options.groups : 0;
}

/// How many machines stand behind each trainer of a Parent's Children.
inline std::size_t machines_of_child(const SimulationOptions& options) {
  return options.cut == Cut::kTree ? options.machines.size() / options.groups : 1;
}

/// Groups are neighbours in `machines`. That of number `groups` stands for the end.
inline std::size_t first_machine_of_group(const SimulationOptions& options, std::size_t group) {
  return (group * options.machines.size() + options.groups - 1) / options.groups;
}

/// Whether machines play on while their learner learns.
inline bool is_asynchronous(const SimulationOptions& options) {
  return options.cut == Cut::kSegments && options.segments.mode == ActorMode::kAsynchronous;
}

/// The random numbers of a machine.
inline Random random_of(const SimulationOptions& options, std::uint64_t machine) {
  constexpr std::uint64_t kMachines = 0x51;
  return Random(derive_seed(options.seed, {kMachines, machine}));
}

/// The latest returns of all machines.
class RecentReturns {
 public:
  void add(const std::vector<EpisodeResult>& episodes);
  std::optional<double> mean() const;

 private:
  std::deque<double> returns_;
};

/// Seconds in which a machine plays so many steps.
double playing_seconds(const MachineModel& machine, double steps, int environments);
/// What jitter makes of a time.
double with_jitter(const MachineModel& machine, double seconds, Random& random);

}  // namespace genkidama::sim
