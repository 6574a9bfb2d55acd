#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "genkidama/ipc/replay_buffer.h"
#include "genkidama/params/saveable.h"
#include "orchestrator/replay_state.h"

namespace genkidama::test {

/// What a trainer gives to a run's state, without a trainer.
struct TrainerPart : Saveable {
  TrainerPart() = default;
  explicit TrainerPart(std::vector<float> optimizer) : optimizer_state(std::move(optimizer)) {}

  std::vector<float> optimizer_state;  ///< a state with another number of them is refused
  std::uint64_t optimizer_steps = 0;
  std::uint64_t rounds = 0;
  const ReplayBuffer* replay_buffer = nullptr;  ///< saved, when there is one
  std::vector<ReplayShare> replay;              ///< restored

  void save(StateWriter& state) const override {
    state.floats("optimizer_state", optimizer_state);
    state.u64("optimizer_steps", optimizer_steps);
    state.u64("rounds", rounds);
    if (replay_buffer != nullptr) save_replay(state, *replay_buffer, replay_buffer->capacity());
  }
  void restore(const StateReader& state) override {
    const auto saved = state.floats("optimizer_state", optimizer_state.size());
    optimizer_state.assign(saved.begin(), saved.end());
    optimizer_steps = state.u64("optimizer_steps");
    rounds = state.u64("rounds");
    const SavedReplay shares(state);
    replay.clear();
    for (std::size_t i = 0; i < shares.size(); ++i) replay.push_back(shares.share(i));
  }
};

}  // namespace genkidama::test
