#include "net/environments/environment_description.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "genkidama/wire/message.h"

namespace genkidama {
namespace {

// Of an action space with many components only the beginning fits into a line.
constexpr std::size_t kShown = 8;

template <typename T>
std::string list_text(const std::vector<T>& values, const char* between) {
  const std::size_t shown = std::min(values.size(), kShown);
  std::string text =
      fmt::format("{}", fmt::join(values.begin(), values.begin() + static_cast<long>(shown), between));
  if (shown < values.size()) text += fmt::format(" and {} more", values.size() - shown);
  return text;
}

std::string actions_text(const EnvironmentDescription& of) {
  std::string text = of.choices.empty() ? std::string("no choices")
                                        : fmt::format("choices among {}", list_text(of.choices, ", "));
  if (!of.low.empty()) {
    text += fmt::format(" and {} numbers from ({}) to ({})", of.low.size(), list_text(of.low, ", "),
                        list_text(of.high, ", "));
  }
  return text;
}

std::string metrics_text(const EnvironmentDescription& of) {
  return of.metrics.empty() ? "none" : list_text(of.metrics, ", ");
}

}  // namespace

EnvironmentDescription describe_environment(const EnvironmentSpec& spec) {
  EnvironmentDescription description;
  description.name = description_text(spec.name);
  for (const int dimension : spec.observation_shape)
    description.observation_shape.push_back(static_cast<std::uint64_t>(dimension));
  for (const int choice : spec.action_space.choices)
    description.choices.push_back(static_cast<std::uint64_t>(choice));
  description.low = spec.action_space.low;
  description.high = spec.action_space.high;
  description.masks_actions = spec.masks_actions;
  description.time_limit = static_cast<std::uint64_t>(spec.time_limit);
  description.metrics = spec.metrics;
  return description;
}

EnvironmentSizes environment_sizes(const EnvironmentSpec& spec) {
  EnvironmentSizes sizes;
  sizes.observation = static_cast<std::size_t>(spec.observation_size);
  sizes.action = spec.action_space.width();
  sizes.mask = spec.masks_actions ? spec.action_space.alternatives() : 0;
  sizes.metrics = spec.metrics.size();
  return sizes;
}

std::optional<std::string> environment_difference(const EnvironmentDescription& own, const std::string& where,
                                                  const EnvironmentDescription& peer,
                                                  const std::string& there) {
  const auto differ = [&](const char* what, const std::string& here, const std::string& elsewhere) {
    return fmt::format("{} {} is {} {} and {} {}", what, own.name, here, where, elsewhere, there);
  };
  if (own.name != peer.name)
    return fmt::format("the environment is '{}' {} and '{}' {}", own.name, where, peer.name, there);
  if (own.observation_shape != peer.observation_shape)
    return differ("the observation of", list_text(own.observation_shape, "x"),
                  list_text(peer.observation_shape, "x"));
  if (own.choices != peer.choices || own.low != peer.low || own.high != peer.high)
    return differ("an action of", actions_text(own), actions_text(peer));
  if (own.masks_actions != peer.masks_actions)
    return differ("the mask of", own.masks_actions ? "there" : "not there",
                  peer.masks_actions ? "there" : "not there");
  if (own.time_limit != peer.time_limit)
    return differ("the time limit of", std::to_string(own.time_limit), std::to_string(peer.time_limit));
  if (own.metrics != peer.metrics)
    return differ("the list of metrics of", metrics_text(own), metrics_text(peer));
  return std::nullopt;
}

}  // namespace genkidama
