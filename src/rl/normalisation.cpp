#include "rl/normalisation.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "genkidama/core/is_finite.h"

namespace genkidama {
namespace {

// Keeps a component that never changed from being divided by 0.
constexpr double kLeastVariance = 1e-8;
constexpr std::string_view kObservations = "observations", kRewards = "rewards";

double one_over_deviation(const RunningStatistics& statistics, std::size_t component) {
  return 1 / std::sqrt(statistics.variance(component) + kLeastVariance);
}

/// Numbers with one space between them; nothing when the text is anything else.
std::optional<std::vector<double>> read_numbers(std::string_view text) {
  std::vector<double> numbers;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    double number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc() || !is_finite(number)) return {};
    numbers.push_back(number);
    if (next == end) return numbers;
    if (*next != ' ') return {};
    at = next + 1;
  }
}

}  // namespace

std::string normalisation_description(const Normalisation& normalisation) {
  std::string text;
  if (normalisation.observations) text = fmt::format("{} {}", kObservations, normalisation.clip);
  if (normalisation.rewards) text += fmt::format("{}{}", text.empty() ? "" : " ", kRewards);
  return text.empty() ? "none" : text;
}

std::string normalisation_kind_text(const Normalisation& normalisation) {
  std::string text;
  if (normalisation.observations) text += fmt::format("{} ", kObservations);
  if (normalisation.rewards) text += fmt::format("{} ", kRewards);
  return text + fmt::format("{}", normalisation.clip);
}

std::string statistics_text(const RunningStatistics& statistics) {
  return fmt::format("{}", fmt::join(statistics.values(), " "));
}

std::optional<Normalisation> read_normalisation(const std::string& kind, const std::string& statistics,
                                                std::size_t observation_size) {
  Normalisation normalisation;
  std::string_view rest = kind;
  const auto take = [&rest](std::string_view word) {
    if (!rest.starts_with(word)) return false;
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    return true;
  };
  normalisation.observations = take(kObservations);
  normalisation.rewards = take(kRewards);
  const auto clip = read_numbers(rest);
  if (!clip || clip->size() != 1 || !(clip->front() > 0)) return {};
  normalisation.clip = clip->front();
  if (normalisation_kind_text(normalisation) != kind) return {};
  const auto values = read_numbers(statistics);
  if (!values || values->size() != 1 + 2 * Normalisation::components(observation_size) ||
      !RunningStatistics::fault(*values).empty()) {
    return {};
  }
  normalisation.statistics = RunningStatistics(*values);
  return normalisation;
}

void Normaliser::write(const Normalisation& normalisation, std::span<double> shared) {
  const std::size_t n = (shared.size() - 2) / 2;
  std::fill(shared.begin(), shared.end(), 0.0);
  shared[1] = 1;
  const RunningStatistics& statistics = normalisation.statistics;
  if (statistics.count() == 0) return;
  if (normalisation.rewards) shared[1] = one_over_deviation(statistics, n);
  if (!normalisation.observations) return;
  shared[0] = normalisation.clip;
  for (std::size_t i = 0; i < n; ++i) {
    shared[2 + i] = statistics.mean(i);
    shared[2 + n + i] = one_over_deviation(statistics, i);
  }
}

Normaliser::Normaliser(std::span<const double> shared)
    : clip_(shared[0]), reward_scale_(static_cast<float>(shared[1])) {
  if (!changes_observations()) return;
  const std::size_t n = (shared.size() - 2) / 2;
  const auto mean = shared.subspan(2, n), scale = shared.subspan(2 + n, n);
  mean_.assign(mean.begin(), mean.end());
  scale_.assign(scale.begin(), scale.end());
}

Normaliser::Normaliser(const Normalisation& normalisation, std::size_t observation_size) {
  std::vector<double> shared(shared_size(observation_size));
  write(normalisation, shared);
  *this = Normaliser(shared);
}

void Normaliser::apply(std::span<const float> observation, std::span<float> normalised) const {
  for (std::size_t i = 0; i < observation.size(); ++i) {
    const double value = (observation[i] - mean_[i]) * scale_[i];
    normalised[i] = static_cast<float>(std::clamp(value, -clip_, clip_));
  }
}

}  // namespace genkidama
