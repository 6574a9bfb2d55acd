#include "cli/sweep/sweep_evaluation.h"

#include <fmt/format.h>

#include "cli/options/settings_check.h"
#include "genkidama/core/cores.h"

namespace genkidama::cli {

std::vector<std::string> evaluation_words(const SweepRun& run, const std::vector<OptionRow>& table,
                                          int episodes) {
  const Settings& settings = run.settings;
  std::vector<std::string> words = {
      command_name(kEvaluate),
      "--checkpoint=" + run.directory.string(),
      fmt::format("--episodes={}", episodes),
      fmt::format("--seed={}", settings.run.eval_seed),
      fmt::format("--workers={}", usable_cores()),
      fmt::format("--worker-timeout={}", settings.learning.worker_timeout_s),
      fmt::format("--max-worker-crashes={}", settings.learning.max_worker_crashes),
      "--preset=" + settings.preset,
      "--csv=" + run.evaluations().string(),
      "--returns=" + run.returns().string()};
  words.push_back(fmt::format("--greedy={}", settings.run.greedy));
  if (settings.learning.worker_mode == WorkerMode::kThreads) words.emplace_back("--worker-mode=threads");
  // Also where the file's word for it would not be taken (TextOption::distrust).
  for (const OptionRow& row : table) {
    const bool is_own = settings.own.all().count(row.name) > 0;
    if (const std::string value = is_own ? row.value_text(settings) : ""; !value.empty())
      words.push_back(row.flag() + "=" + value);
  }
  return words;
}

}  // namespace genkidama::cli
