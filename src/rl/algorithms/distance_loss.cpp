#include "rl/algorithms/distance_loss.h"

#include <cmath>
#include <cstddef>

#include "rl/behaviour/gaussian_units.h"

namespace genkidama {
namespace {

class DistanceLoss final : public ImitationLoss {
 public:
  explicit DistanceLoss(const ActionSpace& space) : units_(space, {}) {}

  ImitationFigures compute(const ImitationBatch& batch, std::span<float> by_outputs,
                           std::span<float>) override {
    ImitationFigures figures;
    for (std::size_t i = 0; i < batch.outputs.size(); ++i) {
      const float own = std::tanh(batch.outputs[i]);
      const float error = own - units_.to_unit(i % units_.size(), batch.actions[i]);
      by_outputs[i] = 2 * error * (1 - own * own) / static_cast<float>(batch.n);
      figures.policy += static_cast<double>(error * error);
    }
    return figures;
  }

 private:
  GaussianUnits units_;
};

}  // namespace

std::unique_ptr<ImitationLoss> distance_loss(const ActionSpace& space) {
  return std::make_unique<DistanceLoss>(space);
}

}  // namespace genkidama
