#include "genkidama/env/wrapped_environment.h"

#include <fmt/format.h>

#include <utility>

#include "genkidama/core/error.h"

namespace genkidama {

WrappedEnvironment::WrappedEnvironment(std::unique_ptr<Environment> inner, const std::string& what)
    : inner_(std::move(inner)) {
  if (!inner_) throw ArgumentError(fmt::format("{} given no environment, expected one", what));
  spec_ = completed(inner_->spec());
  inner_size_ = static_cast<std::size_t>(spec_.observation_size);
}

StepResult WrappedEnvironment::step(Action action) {
  StepResult result = inner_->step(action);
  result.observation = observe(result.observation);
  return result;
}

Observation WrappedEnvironment::observe(Observation observation) {
  if (observation.size() != inner_size_) {
    throw ArgumentError(fmt::format("environment '{}': it gave an observation of {} values, expected {}",
                                    inner_->spec().name, observation.size(), inner_size_));
  }
  return observed(observation);
}

}  // namespace genkidama
