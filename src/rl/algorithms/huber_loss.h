#pragma once

// Huber's loss of an error: half its square up to a size, and linear beyond.

#include <algorithm>

namespace genkidama {

/// The loss and its derivative by the error. `delta` is Hyperparameters::huber_delta; 0: half the square
/// always.
class HuberLoss {
 public:
  explicit HuberLoss(float delta) : delta_(delta) {}

  float derivative(float error) const { return delta_ > 0 ? std::clamp(error, -delta_, delta_) : error; }
  /// error^2 / 2 within delta, delta (|error| - delta / 2) beyond: cut (error - cut / 2) is both, where cut
  /// is the derivative. Times `weight`.
  float weighted(float weight, float error) const {
    const float cut = derivative(error);
    return weight * cut * (error - cut / 2);
  }

 private:
  float delta_;
};

}  // namespace genkidama
