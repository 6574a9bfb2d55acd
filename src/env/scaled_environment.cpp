#include "genkidama/env/scaled_environment.h"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/env/wrapped_environment.h"

namespace genkidama {
namespace {

void check_size(const EnvironmentSpec& spec, const char* what, std::size_t size) {
  if (size != static_cast<std::size_t>(spec.observation_size)) {
    throw ArgumentError(fmt::format("make_scaled() of '{}': {} has {} values, expected {}, one per component",
                                    spec.name, what, size, spec.observation_size));
  }
}

void check(const EnvironmentSpec& spec, const ObservationScaling& scaling) {
  check_size(spec, "offset", scaling.offset.size());
  check_size(spec, "scale", scaling.scale.size());
  for (std::size_t i = 0; i < scaling.offset.size(); ++i) {
    if (!is_finite(scaling.offset[i])) {
      throw ArgumentError(fmt::format("make_scaled() of '{}': offset {} is {}, expected a finite number",
                                      spec.name, i, scaling.offset[i]));
    }
    if (!is_finite(scaling.scale[i]) || scaling.scale[i] == 0) {
      throw ArgumentError(
          fmt::format("make_scaled() of '{}': scale {} is {}, expected a finite number other than 0",
                      spec.name, i, scaling.scale[i]));
    }
  }
}

class ScaledEnvironment final : public WrappedEnvironment {
 public:
  ScaledEnvironment(std::unique_ptr<Environment> inner, ObservationScaling scaling)
      : WrappedEnvironment(std::move(inner), "make_scaled()"), scaling_(std::move(scaling)) {
    check(spec(), scaling_);
    scaled_.resize(scaling_.scale.size());
  }

  void prepare_step(Action action) override { inner().prepare_step(action); }

 private:
  Observation observed(Observation observation) override {
    for (std::size_t i = 0; i < scaled_.size(); ++i) {
      scaled_[i] = (observation[i] - scaling_.offset[i]) * scaling_.scale[i];
    }
    return scaled_;
  }

  ObservationScaling scaling_;
  std::vector<float> scaled_;
};

}  // namespace

std::unique_ptr<Environment> make_scaled(std::unique_ptr<Environment> environment,
                                         ObservationScaling scaling) {
  return std::make_unique<ScaledEnvironment>(std::move(environment), std::move(scaling));
}

}  // namespace genkidama
