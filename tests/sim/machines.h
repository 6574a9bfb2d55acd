#pragma once

// Machines that "train" with small fake trainers, to be simulated.

#include <memory>
#include <vector>

#include "genkidama/sim/simulation.h"
#include "support/fake_trainer.h"

namespace genkidama::test {

inline constexpr double kRound = 20 * 0.01;  // 20 steps of a FakeTrainer

/// A trainer whose rounds have so many steps, episodes and gradients.
class LongRounds : public FakeTrainer {
 public:
  LongRounds(std::uint64_t steps, std::size_t episodes, std::uint64_t gradients = 0)
      : steps_(steps), episodes_(episodes), gradients_(gradients) {}
  RoundReport train_round() override {
    RoundReport report = FakeTrainer::train_round();
    report.steps_in_round = steps_;
    report.episodes.assign(episodes_, report.episodes.front());
    report.optimizer_steps = gradients_;
    return report;
  }

 private:
  std::uint64_t steps_;
  std::size_t episodes_;
  std::uint64_t gradients_;
};

/// Machines and links of uneven pace, which lose this share of packets.
inline void make_uneven(sim::SimulationOptions& options, double loss) {
  for (sim::SimulatedMachine& each : options.machines) {
    each.machine.jitter = 0.5;
    each.link = {0.01, 1e6, 0.005, loss};
  }
}

struct Machines {
  /// A trainer for each machine, or so many.
  explicit Machines(std::size_t count) : Machines(count, count) {}
  Machines(std::size_t count, std::size_t trainer_count) {
    for (std::size_t i = 0; i < trainer_count; ++i)
      trainers.push_back(std::make_unique<FakeTrainer>(small_layout(), static_cast<unsigned>(i + 1)));
    for (std::size_t i = 0; i < count; ++i) {
      options.machines.emplace_back();
      options.machines.back().machine.seconds_per_step = 0.01;
    }
  }

  std::vector<LocalTrainer*> pointers() const {
    std::vector<LocalTrainer*> result;
    for (const auto& trainer : trainers) result.push_back(trainer.get());
    return result;
  }

  sim::SimulationSummary run(std::uint64_t updates) {
    sim::Simulation simulation(options, pointers());
    return simulation.run([&](const sim::SimulatedUpdate& update) {
      seconds.push_back(update.seconds);
      weights.emplace_back(update.weights.begin(), update.weights.end());
      played = update.played;
      return update.update < updates;
    });
  }

  std::vector<std::unique_ptr<FakeTrainer>> trainers;
  sim::SimulationOptions options;
  std::vector<double> seconds;
  std::vector<std::vector<float>> weights;
  Played played;
};

}  // namespace genkidama::test
