#include "run/evaluation/read_policy.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "params/checkpoint_layout.h"
#include "rl/policy_record.h"

namespace genkidama::run {

Checkpoint read_policy(const std::filesystem::path& path, const CoreOrchestrator& trainer) {
  Checkpoint file = read_safetensors(path);
  const PolicyRecord record = policy_record(path, file.metadata);
  const PolicyRecord own = policy_record(path, trainer.policy_metadata());
  const bool elsewhere = !record.environment.empty() && record.environment != own.environment;
  try {
    file = in_layout(path, std::move(file), trainer.layout());
  } catch (const LayoutError& error) {
    std::string text = error.what();
    if (!record.network.empty() && record.network != own.network)
      text += fmt::format("; it holds '{}', and this network is '{}'", record.network, own.network);
    if (elsewhere) {
      text += fmt::format("; it comes from environment '{}', and this is '{}'", record.environment,
                          own.environment);
    }
    throw LayoutError(text);
  }
  check_same_network(path, record, own.network);
  check_same_behaviour(path, record, own.behaviour);
  check_statistics_fit(path, record, static_cast<std::size_t>(trainer.environment_spec().observation_size));
  warn_of_other_environment(path, record.environment, own.environment);
  return file;
}

void warn_of_other_environment(const std::filesystem::path& path, const std::string& recorded,
                               const std::string& own) {
  if (recorded.empty() || recorded == own) return;
  log(LogLevel::kWarning, "'{}' comes from environment '{}' and plays '{}' now", path.string(), recorded,
      own);
}

}  // namespace genkidama::run
