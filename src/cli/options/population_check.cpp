#include "cli/options/population_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/options/interval_text.h"
#include "cli/options/settings_check.h"
#include "core/spelling.h"
#include "genkidama/core/error.h"
#include "genkidama/rl/tunable.h"

namespace genkidama::cli {
namespace {

constexpr const char* kExpected = "NAME=LOW..HIGH or NAME=LOW..HIGH log";

std::string field_spelling(std::string option) {
  std::replace(option.begin(), option.end(), '-', '_');
  return option;
}

ExploredHyperparameter explored(const std::string& text) {
  const auto equals = text.find('=');
  const auto interval =
      equals == std::string::npos ? std::nullopt : interval_of(trimmed(text.substr(equals + 1)));
  if (!interval || interval->whole)
    throw ArgumentError(fmt::format("--explore is '{}'; expected {}", text, kExpected));
  ExploredHyperparameter each{field_spelling(option_spelling(trimmed(text.substr(0, equals)))), interval->low,
                              interval->high, interval->logarithmic};
  const auto names = tunable_names();
  if (std::find(names.begin(), names.end(), each.name) != names.end()) return each;
  std::string possible;
  for (const std::string_view name : names)
    possible += (possible.empty() ? "" : ", ") + option_spelling(std::string(name));
  throw ArgumentError(
      fmt::format("--explore is '{}', and '{}' cannot change while a member trains; expected one "
                  "of {}",
                  text, option_spelling(each.name), possible));
}

/// Flags of a population where there is none.
void check_without(const LinkOptions& links) {
  const LinkOptions untouched;
  for (const auto& [flag, is_given] :
       {std::pair("--explore", !links.explore.empty()),
        std::pair("--ready-steps", links.ready_steps != untouched.ready_steps),
        std::pair("--exploit-share", links.exploit_share != untouched.exploit_share),
        std::pair("--resample", links.resample != untouched.resample)}) {
    if (!is_given) continue;
    throw ArgumentError(
        fmt::format("{} is for --population; expected it together with that, or left out", flag));
  }
}

/// What has no meaning where members keep weights of their own.
void check_partners(const Settings& settings) {
  const LinkOptions& links = settings.links;
  const auto refuse = [](const std::string& flag, const char* why) {
    throw ArgumentError(
        fmt::format("{} is given with --population, {}; leave one of the two out", flag, why));
  };
  if (links.merge.kind != MergeKind::kAverage)
    refuse(fmt::format("--merge {}", merge_kind_name(links.merge.kind)), "which merges nothing");
  if (links.codec != CodecKind::kFloat32)
    refuse(fmt::format("--codec {}", codec_name(links.codec)),
           "whose members go on from exactly what they copy");
  if (settings.run.policy_average.kind != PolicyAverageKind::kNone)
    refuse("--policy-average", "whose best member is now one and now another");
  if (settings.learning.hyperparameters.proximal > 0)
    refuse("--proximal", "whose members take no average that could hold them");
  if (settings.command == kParent && !links.upper.empty())
    refuse("--upper", "whose members are no means of others");
  if (settings.command == kCluster && settings.simulation.groups)
    refuse("--groups", "whose members are no means of others");
}

}  // namespace

PopulationOptions population_options(const Settings& settings) {
  PopulationOptions options;
  for (const std::string& text : settings.links.explore) options.explored.push_back(explored(text));
  options.ready_steps = settings.links.ready_steps;
  options.share = settings.links.exploit_share;
  options.resample = settings.links.resample;
  options.seed = settings.learning.seed;
  return options;
}

void check_population(const Settings& settings) {
  const LinkOptions& links = settings.links;
  if (links.exchange != ExchangeKind::kPopulation) return check_without(links);
  if (settings.command == kSimulate)
    throw ArgumentError("--exchange is 'population'; expected each or rounds in a simulation");
  check_partners(settings);
  if (settings.command == kChild) return;
  if (links.explore.empty()) {
    throw ArgumentError(
        "--population explores hyperparameters; expected --explore \"NAME=LOW..HIGH\" at least once");
  }
  if (settings.command == kCluster && settings.cluster.children < 2) {
    throw ArgumentError(
        fmt::format("--children is {} with --population; expected at least 2, one for each member",
                    settings.cluster.children));
  }
  Hyperparameters hyperparameters = settings.learning.hyperparameters;
  if (settings.command == kCluster) {
    hyperparameters = resolved_hyperparameters(settings);
  } else {
    // Of a Parent's Children only these know.
    hyperparameters.final_learning_rate = 0;
    hyperparameters.schedule_steps = 1;
  }
  check_explored(population_options(settings), hyperparameters);
}

bool is_explored(const Settings& settings, const std::string& option) {
  const auto& texts = settings.links.explore;
  return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
    return option_spelling(trimmed(text.substr(0, text.find('=')))) == option;
  });
}

}  // namespace genkidama::cli
