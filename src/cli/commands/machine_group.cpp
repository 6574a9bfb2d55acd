#include "cli/commands/machine_group.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>

#include "genkidama/core/random.h"

namespace genkidama::cli {
namespace {

std::optional<std::uint64_t> share_of(const std::optional<std::uint64_t>& steps, const MachineGroup& group) {
  if (!steps) return {};
  const auto size = static_cast<std::uint64_t>(group.size());
  return (*steps + size - 1) / size;
}

}  // namespace

Settings settings_in_group(const Settings& settings, const MachineGroup& group) {
  Settings own = settings;
  own.run.max_steps = share_of(settings.run.max_steps, group);
  own.learning.preset_steps = share_of(settings.learning.preset_steps, group);
  // One machine alone trains as it would without a group.
  if (group.number() > 0) {
    own.learning.seed = derive_seed(settings.learning.seed, {static_cast<std::uint64_t>(group.number())});
  }
  return own;
}

run::RunOptions options_in_group(run::RunOptions options, const MachineGroup& group) {
  options.max_steps = share_of(options.max_steps, group);
  if (group.number() == 0) return options;
  options.directory /= fmt::format("machine-{}", group.number());
  // It may be new to the run.
  if (options.resume == run::Resume::kRequired) options.resume = run::Resume::kIfPossible;
  // It begins with machine 0's weights, and machine 0 says when the target is reached.
  options.init_from.clear();
  options.demonstrations.clear();
  options.target.reset();
  options.evaluate_every.reset();
  options.patience.reset();
  options.eval_episodes = 0;
  options.policy_average = {};
  return options;
}

}  // namespace genkidama::cli
