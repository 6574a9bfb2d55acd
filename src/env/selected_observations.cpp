#include "genkidama/env/selected_observations.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/env/wrapped_environment.h"

namespace genkidama {
namespace {

void check(const EnvironmentSpec& spec, const std::vector<int>& components) {
  if (components.empty()) {
    throw ArgumentError(
        fmt::format("make_selected() of '{}': no components given, expected one or more", spec.name));
  }
  for (std::size_t i = 0; i < components.size(); ++i) {
    if (components[i] < 0 || components[i] >= spec.observation_size) {
      throw ArgumentError(fmt::format("make_selected() of '{}': component {} given, expected 0 to {}",
                                      spec.name, components[i], spec.observation_size - 1));
    }
    if (std::count(components.begin(), components.end(), components[i]) > 1) {
      throw ArgumentError(fmt::format("make_selected() of '{}': component {} given twice, expected it once",
                                      spec.name, components[i]));
    }
  }
}

class SelectedObservations final : public WrappedEnvironment {
 public:
  SelectedObservations(std::unique_ptr<Environment> inner, std::vector<int> components)
      : WrappedEnvironment(std::move(inner), "make_selected()"), components_(std::move(components)) {
    EnvironmentSpec changed = spec();
    check(changed, components_);
    changed.name += fmt::format("[{}]", fmt::join(components_, ","));
    changed.observation_size = static_cast<int>(components_.size());
    changed.observation_shape.clear();
    set_spec(std::move(changed));
    selected_.resize(components_.size());
  }

  void prepare_step(Action action) override { inner().prepare_step(action); }

 private:
  Observation observed(Observation observation) override {
    for (std::size_t i = 0; i < selected_.size(); ++i) {
      selected_[i] = observation[static_cast<std::size_t>(components_[i])];
    }
    return selected_;
  }

  std::vector<int> components_;
  std::vector<float> selected_;
};

}  // namespace

std::unique_ptr<Environment> make_selected(std::unique_ptr<Environment> environment,
                                           std::vector<int> components) {
  return std::make_unique<SelectedObservations>(std::move(environment), std::move(components));
}

std::unique_ptr<Environment> make_cart_pole_without_velocities() {
  return make_selected(make_cart_pole(), {0, 2});
}

}  // namespace genkidama
