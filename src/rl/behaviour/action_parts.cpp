// The parts of an action space: a choice after another, and then all continuous components together.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <utility>

#include "core/take_word.h"
#include "genkidama/env/action_space.h"
#include "genkidama/rl/behaviour.h"
#include "rl/behaviour/gaussian_units.h"
#include "rl/behaviour/product.h"

namespace genkidama {
namespace {

PartWidths widths_of_choice(int count) {
  const auto alternatives = static_cast<std::size_t>(count);
  return {alternatives, 1, alternatives};
}

PartWidths widths_of_components(const ActionSpace& space) {
  return {2 * space.low.size(), space.low.size(), 0};
}

constexpr std::string_view kDeterministic = "deterministic";
constexpr int kMostOutputsEach = 1'000'000;

/// The outputs of each alternative of a greedy_choice(); nothing for the description of another behaviour.
std::optional<int> greedy_outputs_each(std::string_view description) {
  std::string_view rest = description;
  if (take_word(rest) != "greedy") return {};
  if (rest.empty()) return 1;
  int outputs_each = 1;
  const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), outputs_each);
  if (read.ec != std::errc() || read.ptr != rest.data() + rest.size()) return {};
  return outputs_each >= 1 && outputs_each <= kMostOutputsEach ? std::optional(outputs_each) : std::nullopt;
}

}  // namespace

int action_outputs(const ActionSpace& space) {
  return static_cast<int>(space.alternatives() + 2 * space.low.size());
}

std::unique_ptr<Behaviour> action_behaviour(const ActionSpace& space, const GaussianOptions& options,
                                            double epsilon) {
  std::vector<BehaviourPart> parts;
  for (const int count : space.choices)
    parts.push_back({widths_of_choice(count), categorical(epsilon, options.noise_correlation)});
  if (!space.low.empty()) parts.push_back({widths_of_components(space), gaussian(space, options)});
  return parts.size() == 1 ? std::move(parts.front().behaviour) : product(std::move(parts));
}

std::unique_ptr<ActionDistribution> action_distribution(const ActionSpace& space,
                                                        const GaussianOptions& options) {
  std::vector<DistributionPart> parts;
  for (const int count : space.choices)
    parts.push_back({widths_of_choice(count), categorical_distribution(count)});
  if (!space.low.empty())
    parts.push_back({widths_of_components(space), gaussian_distribution(space, options)});
  return parts.size() == 1 ? std::move(parts.front().distribution) : product_distribution(std::move(parts));
}

std::optional<GaussianOptions> described_options(std::string_view description) {
  constexpr std::string_view kGaussian = "gaussian ";
  const std::size_t at = description.find(kGaussian);
  if (at == std::string_view::npos) return std::nullopt;
  GaussianOptions options;
  std::string_view rest = description.substr(at + kGaussian.size());
  if (take_word(rest) == action_bounds_name(ActionBounds::kTanh)) options.action_bounds = ActionBounds::kTanh;
  options.state_dependent_deviation = take_word(rest) == "state";
  double value = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (std::abs(value) <= kMostLogDeviation) options.initial_log_deviation = value;
  return options;
}

int described_outputs(std::string_view description, const ActionSpace& space) {
  if (const auto outputs_each = greedy_outputs_each(description)) {
    return static_cast<int>(space.alternatives()) * *outputs_each;
  }
  return description == kDeterministic ? static_cast<int>(space.low.size()) : action_outputs(space);
}

std::unique_ptr<Behaviour> described_behaviour(std::string_view description, const ActionSpace& space) {
  if (const auto outputs_each = greedy_outputs_each(description)) return greedy_choice({}, *outputs_each);
  if (description == kDeterministic) return deterministic(space);
  auto behaviour = action_behaviour(space, described_options(description).value_or(GaussianOptions()));
  // Whatever else is in the text belongs to another description.
  return behaviour->description() == description ? std::move(behaviour) : nullptr;
}

}  // namespace genkidama
