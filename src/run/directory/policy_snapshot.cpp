#include "run/directory/policy_snapshot.h"

#include <fmt/format.h>

#include "genkidama/core/utf8.h"
#include "genkidama/core/version.h"

namespace genkidama::run {

Checkpoint policy_file(const PolicySnapshot& snapshot, const PolicyOrigin& origin, const RunOptions& options,
                       const RunTotals& totals) {
  const auto policy = snapshot.policy();
  Checkpoint file;
  file.layout = origin.layout;
  file.weights.assign(policy.begin(), policy.end());
  file.metadata = origin.metadata;
  file.metadata["format"] = "pt";
  file.metadata["genkidama_version"] = kVersion;
  file.metadata["preset"] = escape_bytes(options.record.preset);
  if (!options.record.options.empty()) file.metadata["options"] = options.record.options;
  file.metadata["update"] = fmt::format("{}", totals.updates);
  file.metadata["environment_steps"] = fmt::format("{}", totals.in_run.steps);
  if (options.policy_average.kind != PolicyAverageKind::kNone) {
    file.metadata["policy_average"] = snapshot.average.text();
    file.metadata["policy_average_count"] = fmt::format("{}", snapshot.average.count());
  }
  return file;
}

}  // namespace genkidama::run
