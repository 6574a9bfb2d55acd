#include "run/evaluation/first_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <system_error>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "run/evaluation/read_policy.h"

namespace genkidama::run {

std::optional<std::vector<float>> read_first_weights(const RunOptions& options,
                                                     const CoreOrchestrator& trainer) {
  if (options.init_from.empty()) return {};
  const auto refuse = [&options](const std::string& why) {
    return ArgumentError(
        fmt::format("{} {}: {}", options.name_of("init_from"), options.init_from.string(), why));
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(options.init_from, ignored)) {
    throw refuse(fmt::format("this is a directory; expected a policy file, such as {}",
                             (options.init_from / "final.safetensors").string()));
  }
  Checkpoint policy;
  try {
    policy = read_policy(options.init_from, trainer);
  } catch (const Error& error) {
    throw refuse(error.what());
  }
  const bool finite = std::all_of(policy.weights.begin(), policy.weights.end(),
                                  [](float weight) { return is_finite(weight); });
  if (!finite) throw refuse("some of its weights are not finite; expected a policy that has not diverged");
  return std::move(policy.weights);
}

}  // namespace genkidama::run
