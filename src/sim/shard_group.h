#pragma once

// Learners whose weights are at shards, in virtual time.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/sim/simulation.h"
#include "sim/event_queue.h"
#include "sim/machine_link.h"
#include "sim/pipe.h"

namespace genkidama::sim {

/// How long the rounds of learners with shards take, and what crosses their links. Each machine plays an
/// equal part of a round and computes an equal part of its gradients; it sends each shard its slice of a
/// gradient, and goes on when all have answered. The learners begin a round together. Nothing is learnt here.
class ShardGroup {
 public:
  /// The options outlive the group. `weights`: how many there are, of all slices together.
  ShardGroup(const SimulationOptions& options, std::size_t weights);

  /// A round of so many steps and gradients in all. When the last learner is through.
  Clock::time_point play_round(double steps, std::uint64_t gradients);

  std::uint64_t bytes_up() const { return bytes_up_; }      ///< to the shards, headers with them
  std::uint64_t bytes_down() const { return bytes_down_; }  ///< from them
  double computing_seconds() const { return computing_seconds_; }
  /// The rest of all machines' time.
  double waiting_seconds() const;

 private:
  struct Learner {
    Learner(const SimulatedMachine& model, Random numbers)
        : machine(model.machine), link(model.link), random(numbers) {}

    const MachineModel& machine;
    MachineLink link;
    Random random;
    std::uint64_t gradients = 0;   // that are left of the round
    std::size_t unanswered = 0;    // slices of the gradient that is on its way
    Clock::time_point answered{};  // when the last answer to it is there
  };

  /// A shard's own link.
  struct Shard {
    Shard(double bits_per_second, std::size_t elements)
        : ingress(bits_per_second), egress(bits_per_second), slice(elements) {}

    Pipe ingress, egress;
    std::size_t slice;
  };

  enum class What { kComputed, kSlice, kAnswer };

  struct Event {
    What what = What::kComputed;
    std::size_t learner = 0, shard = 0;
    Passage passage{};  // kSlice: at the shard's link
  };

  void send(std::size_t learner);
  void receive(const Event& slice);
  void answer(const Event& answer);
  /// What a learner computes, and how long it takes.
  Clock::duration compute(Learner& learner, double seconds);

  const SimulationOptions& options_;
  std::vector<Learner> learners_;
  std::vector<Shard> shards_;
  EventQueue<Event> events_;
  Clock::time_point ended_ = kBeginning;
  double computing_seconds_ = 0;
  std::uint64_t bytes_up_ = 0, bytes_down_ = 0;
};

}  // namespace genkidama::sim
