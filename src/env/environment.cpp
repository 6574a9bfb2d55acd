#include "genkidama/env/environment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "core/one_line.h"
#include "env/whole_number.h"
#include "genkidama/core/error.h"

namespace genkidama {
namespace {

constexpr std::int64_t kLargestSize = std::numeric_limits<int>::max();

void check_positive(const std::string& name, const char* field, int value) {
  if (value < 1) {
    throw ArgumentError(
        fmt::format("environment '{}': spec().{} is {}, expected at least 1", name, field, value));
  }
}

// It stands in lines of logs and tables.
void check_name(const std::string& name) {
  if (is_one_line(name)) return;
  throw ArgumentError(fmt::format(
      "spec().name is '{}' with line breaks or other control characters in place of '?'; expected a "
      "text of one line",
      as_one_line(name)));
}

int floats_in(const std::string& name, const std::vector<int>& shape) {
  std::int64_t size = 1;
  for (const int dimension : shape) {
    if (dimension < 1 || size > kLargestSize / dimension) {
      throw ArgumentError(
          fmt::format("environment '{}': spec().observation_shape is [{}], expected dimensions of at least 1 "
                      "and at most {} "
                      "floats in all",
                      name, fmt::join(shape, ", "), kLargestSize));
    }
    size *= dimension;
  }
  return static_cast<int>(size);
}

void complete_observation(EnvironmentSpec& spec) {
  if (spec.observation_shape.empty()) {
    check_positive(spec.name, "observation_size", spec.observation_size);
    spec.observation_shape = {spec.observation_size};
    return;
  }
  const int size = floats_in(spec.name, spec.observation_shape);
  if (spec.observation_size != 0 && spec.observation_size != size) {
    throw ArgumentError(
        fmt::format("environment '{}': spec().observation_size is {}, but observation_shape [{}] has {} "
                    "floats; set one of them",
                    spec.name, spec.observation_size, fmt::join(spec.observation_shape, ", "), size));
  }
  spec.observation_size = size;
}

void complete_actions(EnvironmentSpec& spec) {
  ActionSpace& space = spec.action_space;
  if (space == ActionSpace{}) {
    check_positive(spec.name, "action_count", spec.action_count);
    space.choices = {spec.action_count};
  }
  check_action_space(fmt::format("environment '{}': spec().action_space", spec.name), space);
  const int count = space.is_one_choice() ? space.choices[0] : 0;
  if (spec.action_count != 0 && spec.action_count != count) {
    throw ArgumentError(
        fmt::format("environment '{}': spec().action_count is {}, but action_space is {}; set one of them",
                    spec.name, spec.action_count, action_space_text(space)));
  }
  spec.action_count = count;
  if (spec.masks_actions && space.choices.empty()) {
    throw ArgumentError(fmt::format(
        "environment '{}': spec().masks_actions is set, but action_space is {}; expected a choice, "
        "since only alternatives of choices can be masked",
        spec.name, action_space_text(space)));
  }
}

bool is_metric_name(const std::string& name) {
  constexpr std::size_t kLongest = 64;
  return !name.empty() && name.size() <= kLongest && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

void check_metrics(const EnvironmentSpec& spec) {
  const auto& names = spec.metrics;
  if (names.size() > kMaxMetrics) {
    throw ArgumentError(fmt::format("environment '{}': spec().metrics has {} names, expected at most {}",
                                    spec.name, names.size(), kMaxMetrics));
  }
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (!is_metric_name(*name)) {
      throw ArgumentError(fmt::format(
          "environment '{}': spec().metrics has the name '{}', expected 1 to 64 letters, digits and '_'",
          spec.name, *name));
    }
    if (std::find(names.begin(), name, *name) != name) {
      throw ArgumentError(fmt::format(
          "environment '{}': spec().metrics has the name '{}' twice, expected it once", spec.name, *name));
    }
  }
}

}  // namespace

EnvironmentSpec completed(EnvironmentSpec spec) {
  check_name(spec.name);
  complete_observation(spec);
  complete_actions(spec);
  check_positive(spec.name, "time_limit", spec.time_limit);
  check_metrics(spec);
  return spec;
}

int DiscreteEnvironment::choice_of(Action action) const {
  // What is out of the environment's range it refuses itself.
  if (const auto choice = whole_number(action)) return *choice;
  throw ArgumentError(fmt::format("environment '{}': step() given the action [{}], expected one whole number",
                                  spec().name, fmt::join(action, ", ")));
}

}  // namespace genkidama
