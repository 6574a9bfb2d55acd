#pragma once

// Workers that step the shared weights one after the other, and read them whole.

#include <memory>
#include <mutex>
#include <span>
#include <utility>

#include "rl/hogwild_sink.h"

namespace genkidama {

class MutexSink final : public HogwildSink {
 public:
  MutexSink(const Hyperparameters& hyperparameters, std::unique_ptr<SharedOptimizer> optimizer,
            SharedTraining& shared, int index)
      : HogwildSink(hyperparameters, std::move(optimizer), shared, index) {}

 protected:
  void copy_weights(std::span<float> weights) override {
    const std::lock_guard lock(shared().weights_mutex());
    HogwildSink::copy_weights(weights);
  }
  void take_step(std::span<const float> gradient, std::uint64_t step, double learning_rate) override {
    const std::lock_guard lock(shared().weights_mutex());
    HogwildSink::take_step(gradient, step, learning_rate);
  }
};

}  // namespace genkidama
