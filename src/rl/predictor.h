#pragma once

// A process or thread that computes outputs for the workers (InferenceOptions::predictors).

#include <cstdint>
#include <span>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/nn/local_network.h"
#include "rl/shared_training.h"
#include "rl/worker.h"

namespace genkidama {

/// Has an index at the barrier behind all others. It makes no environment. Its weights are those that workers
/// play with: where these learn while they play it takes the newest before each batch, and otherwise those of
/// the order.
class Predictor {
 public:
  Predictor(const WorkerSetup& setup, SharedTraining& shared, int index);

  /// While workers play: computes until all of them have arrived at the barrier. Otherwise does nothing.
  void obey(const WorkerOrder& order);

 private:
  void take_weights();
  void take_newer_weights();
  /// Takes what waits, and a little later what waits then, until there is a batch.
  void collect();
  void compute();
  void compute(std::span<const float> observations, std::span<const float> states,
               std::span<float> next_states, std::span<float> outputs);
  /// Calls `action` with each slot, the number of rows before it, and its rows.
  template <typename Action>
  void for_each_slot(const Action& action) const {
    std::size_t row = 0;
    for (const std::size_t slot : taken_) {
      const std::size_t rows = slots_.rows(slot);
      action(slot, row, rows);
      row += rows;
    }
  }
  /// Whether the rows of the slots lie one behind the other, so that they are computed where they are.
  bool is_contiguous() const;

  const WorkerSetup& setup_;
  SharedTraining& shared_;
  InferenceSlots& slots_;
  int number_;
  WorkerReport& report_;
  LocalNetwork network_;
  Random noise_;
  std::size_t most_rows_, wanted_rows_;
  std::uint64_t seen_ = 0;                              ///< what told of the weights that it has
  bool has_new_weights_ = true;                         ///< since it computed last
  std::vector<std::size_t> taken_;                      ///< slots
  std::size_t rows_ = 0;                                ///< in these
  std::vector<float> observations_, states_, outputs_;  ///< of several slots
};

}  // namespace genkidama
