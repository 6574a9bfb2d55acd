#pragma once

// The gradient sink of Hogwild!: every worker steps the shared weights itself, without a lock.

#include <memory>
#include <span>
#include <utility>

#include "rl/worker_sink.h"

namespace genkidama {

class HogwildSink : public WorkerSink {
 public:
  HogwildSink(const Hyperparameters& hyperparameters, std::unique_ptr<SharedOptimizer> optimizer,
              SharedTraining& shared, int index)
      : WorkerSink(hyperparameters, shared, index), optimizer_(std::move(optimizer)) {}

 protected:
  void copy_weights(std::span<float> weights) override { load_shared(weights); }
  void take_step(std::span<const float> gradient, std::uint64_t step, double learning_rate) override {
    optimizer_->step(shared().weights.span(), gradient, shared().optimizer_state.span(), step, learning_rate);
  }

 private:
  std::unique_ptr<SharedOptimizer> optimizer_;
};

}  // namespace genkidama
