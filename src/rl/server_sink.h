#pragma once

// Workers whose gradients go to a server, the only one that writes the weights.

#include <span>

#include "rl/worker_sink.h"

namespace genkidama {

class ServerSink final : public WorkerSink {
 public:
  ServerSink(const Hyperparameters& hyperparameters, SharedTraining& shared, int index);

  void pull(std::span<float> weights) override { load_shared(weights); }

 protected:
  /// Returns when the server has applied the gradient, so that the next pull has it.
  void take_step(std::span<const float> gradient, std::uint64_t step, double learning_rate) override;

 private:
  int index_;
};

}  // namespace genkidama
