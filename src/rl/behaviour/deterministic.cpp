#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/rl/behaviour.h"
#include "rl/behaviour/gaussian_units.h"

namespace genkidama {
namespace {

class Deterministic final : public Behaviour {
 public:
  Deterministic(const ActionSpace& space, double noise) : actions_(space, {}), noise_(noise) {}

  void act(std::span<const float> outputs, ActionMask, Acting acting, Random& random, std::span<float> chosen,
           float& log_probability) const override {
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      const double noise = acting == Acting::kExploring && noise_ > 0 ? noise_ * random.normal() : 0;
      chosen[i] =
          static_cast<float>(std::clamp(std::tanh(static_cast<double>(outputs[i])) + noise, -1.0, 1.0));
    }
    log_probability = 0;
  }

  void to_environment(std::span<const float> chosen, std::span<float> action) const override {
    for (std::size_t i = 0; i < chosen.size(); ++i) action[i] = actions_.to_environment(i, chosen[i]);
  }

  std::string description() const override { return "deterministic"; }

 private:
  GaussianUnits actions_;
  double noise_;
};

}  // namespace

std::unique_ptr<Behaviour> deterministic(const ActionSpace& space, double noise) {
  if (!is_bounded_box(space)) {
    throw ArgumentError(
        fmt::format("deterministic() was given {}; expected continuous actions with finite bounds",
                    action_space_text(space)));
  }
  if (!is_finite(noise) || noise < 0) {
    throw ArgumentError(fmt::format("noise is {}; expected a number of at least 0", noise));
  }
  return std::make_unique<Deterministic>(space, noise);
}

}  // namespace genkidama
