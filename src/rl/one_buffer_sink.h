#pragma once

// Workers that step the shared weights with whatever lies in the one gradient that they all write.

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "rl/hogwild_sink.h"

namespace genkidama {

class OneBufferSink final : public HogwildSink {
 public:
  OneBufferSink(const Hyperparameters& hyperparameters, std::unique_ptr<SharedOptimizer> optimizer,
                SharedTraining& shared, int index)
      : HogwildSink(hyperparameters, std::move(optimizer), shared, index), taken_(shared.gradient.size()) {}

 protected:
  void take_step(std::span<const float> gradient, std::uint64_t step, double learning_rate) override {
    const auto buffer = shared().gradient.span();
    relaxed_store(buffer, gradient);
    relaxed_load(buffer, taken_);
    HogwildSink::take_step(taken_, step, learning_rate);
  }

 private:
  std::vector<float> taken_;
};

}  // namespace genkidama
