#include "genkidama/rl/tunable.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "genkidama/core/error.h"
#include "rl/tuned_values.h"

namespace genkidama {
namespace {

struct Field {
  std::string_view name;
  double Hyperparameters::*value;
};

// Those that size something, or turn a part of the memory on, are not among them: proximal, momentum,
// priority_exponent, sweeping_exponent. What is only read at the beginning, as temperature, is not either.
constexpr std::array kFields = {
    Field{"gamma", &Hyperparameters::gamma},
    Field{"gae_lambda", &Hyperparameters::gae_lambda},
    Field{"reward_scale", &Hyperparameters::reward_scale},
    Field{"value_weight", &Hyperparameters::value_weight},
    Field{"entropy_weight", &Hyperparameters::entropy_weight},
    Field{"epsilon", &Hyperparameters::epsilon},
    Field{"clip_range", &Hyperparameters::clip_range},
    Field{"value_clip_range", &Hyperparameters::value_clip_range},
    Field{"target_kl", &Hyperparameters::target_kl},
    Field{"log_epsilon", &Hyperparameters::log_epsilon},
    Field{"vtrace_rho", &Hyperparameters::vtrace_rho},
    Field{"vtrace_c", &Hyperparameters::vtrace_c},
    Field{"replay_ratio", &Hyperparameters::replay_ratio},
    Field{"importance_exponent", &Hyperparameters::importance_exponent},
    Field{"target_rate", &Hyperparameters::target_rate},
    Field{"huber_delta", &Hyperparameters::huber_delta},
    Field{"target_entropy", &Hyperparameters::target_entropy},
    Field{"exploration_noise", &Hyperparameters::exploration_noise},
    Field{"target_noise", &Hyperparameters::target_noise},
    Field{"target_noise_limit", &Hyperparameters::target_noise_limit},
    Field{"learning_rate", &Hyperparameters::learning_rate},
    Field{"weight_decay", &Hyperparameters::weight_decay},
    Field{"adam_beta1", &Hyperparameters::adam_beta1},
    Field{"adam_beta2", &Hyperparameters::adam_beta2},
    Field{"max_gradient_norm", &Hyperparameters::max_gradient_norm},
};
static_assert(kFields.size() == kTunableValues);

constexpr std::array kNames = [] {
  std::array<std::string_view, kFields.size()> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = kFields[i].name;
  return names;
}();

const Field* field_of(std::string_view name) {
  const auto found =
      std::find_if(kFields.begin(), kFields.end(), [&](const Field& each) { return each.name == name; });
  return found == kFields.end() ? nullptr : &*found;
}

}  // namespace

std::span<const std::string_view> tunable_names() {
  return kNames;
}

double* tunable_field(Hyperparameters& hyperparameters, std::string_view name) {
  const Field* const field = field_of(name);
  return field == nullptr ? nullptr : &(hyperparameters.*field->value);
}

const double* tunable_field(const Hyperparameters& hyperparameters, std::string_view name) {
  const Field* const field = field_of(name);
  return field == nullptr ? nullptr : &(hyperparameters.*field->value);
}

void check_explored(const PopulationOptions& population, const Hyperparameters& hyperparameters) {
  population.check();
  for (const ExploredHyperparameter& each : population.explored) {
    if (field_of(each.name) == nullptr) {
      throw ArgumentError(fmt::format("'{}' cannot be explored; expected one of {}", each.name,
                                      fmt::join(tunable_names(), ", ")));
    }
    for (const double value : {each.low, each.high}) {
      Hyperparameters changed = hyperparameters;
      *tunable_field(changed, each.name) = value;
      try {
        changed.check();
      } catch (const ArgumentError& error) {
        throw ArgumentError(fmt::format("'{}' is explored from {} to {}, and with {}: {}", each.name,
                                        each.low, each.high, value, error.what()));
      }
    }
  }
}

void TunedValues::take(const Hyperparameters& hyperparameters) {
  for (std::size_t i = 0; i < kFields.size(); ++i) values[i] = hyperparameters.*kFields[i].value;
  ++changes;
}

Hyperparameters TunedValues::applied_to(Hyperparameters hyperparameters) const {
  for (std::size_t i = 0; changes > 0 && i < kFields.size(); ++i)
    hyperparameters.*kFields[i].value = values[i];
  return hyperparameters;
}

}  // namespace genkidama
