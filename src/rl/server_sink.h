#pragma once

// Workers whose gradients go to servers, which alone write the weights.

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "rl/worker_sink.h"

namespace genkidama {

class ServerSink final : public WorkerSink {
 public:
  ServerSink(const Hyperparameters& hyperparameters, SharedTraining& shared, int index);

 protected:
  void copy_weights(std::span<float> weights) override;
  /// Where the weights live at shards, waits until the server has written the newest ones.
  void start_round() override;
  /// Returns when every server has applied the gradient, so that the next pull has it.
  void take_step(std::span<const float> gradient, std::uint64_t step, double learning_rate) override;

 private:
  /// Lets some time pass; false when the round was cut long ago, and no server answers any more.
  bool keeps_waiting();
  /// Frees the slot and counts what was dropped, once for each gradient.
  void settle();

  int index_;
  bool at_shards_;
  std::array<std::uint64_t, kMostShards> versions_{};  ///< of the weights that were pulled last
  std::optional<Deadline> end_;
};

}  // namespace genkidama
