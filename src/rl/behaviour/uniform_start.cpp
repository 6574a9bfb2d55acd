#include "rl/behaviour/uniform_start.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace genkidama {
namespace {

/// The largest float below 1: atanh of it is finite.
constexpr double kAlmostOne = 1 - 1.0 / (1 << 24);

class UniformStart final : public Behaviour {
 public:
  UniformStart(std::unique_ptr<Behaviour> inner, std::function<bool()> is_start, ActionBounds bounds)
      : inner_(std::move(inner)), is_start_(std::move(is_start)), bounds_(bounds) {}

  void start_episode() override { inner_->start_episode(); }

  void act(std::span<const float> outputs, ActionMask mask, Acting acting, Random& random,
           std::span<float> chosen, float& log_probability) const override {
    if (acting != Acting::kExploring || !is_start_()) {
      inner_->act(outputs, mask, acting, random, chosen, log_probability);
      return;
    }
    for (float& value : chosen) {
      const double unit = random.uniform(-1, 1);
      value = static_cast<float>(
          bounds_ == ActionBounds::kTanh ? std::atanh(std::clamp(unit, -kAlmostOne, kAlmostOne)) : unit);
    }
    log_probability = static_cast<float>(-static_cast<double>(chosen.size()) * std::numbers::ln2);
  }

  void to_environment(std::span<const float> chosen, std::span<float> action) const override {
    inner_->to_environment(chosen, action);
  }

  std::string description() const override { return inner_->description(); }

 private:
  std::unique_ptr<Behaviour> inner_;
  std::function<bool()> is_start_;
  ActionBounds bounds_;
};

}  // namespace

std::unique_ptr<Behaviour> uniform_start(std::unique_ptr<Behaviour> inner, std::function<bool()> is_start,
                                         ActionBounds bounds) {
  return std::make_unique<UniformStart>(std::move(inner), std::move(is_start), bounds);
}

}  // namespace genkidama
