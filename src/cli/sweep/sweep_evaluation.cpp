#include "cli/sweep/sweep_evaluation.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/options/settings_check.h"
#include "cli/sweep/sweep_standing.h"
#include "genkidama/core/cores.h"
#include "genkidama/core/error.h"
#include "run/directory/checkpoint_list.h"

namespace genkidama::cli {
namespace {

// Without its directory, which may have been moved.
std::string file_name(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

std::vector<std::string> checkpoints_there(const SweepRun& run) {
  std::vector<std::string> names;
  try {
    for (const auto& path : checkpoints_of({run.directory.path().string()})) {
      names.push_back(path.filename().string());
    }
  } catch (const ArgumentError&) {
    // None: the evaluation will say so.
  }
  return names;
}

}  // namespace

std::vector<std::string> evaluation_words(const SweepRun& run, int episodes) {
  const Settings& settings = run.settings;
  std::vector<std::string> words = {command_name(kEvaluate),
                                    "--checkpoint=" + run.directory.path().string(),
                                    fmt::format("--episodes={}", episodes),
                                    fmt::format("--seed={}", settings.eval_seed),
                                    fmt::format("--workers={}", usable_cores()),
                                    fmt::format("--worker-timeout={}", settings.worker_timeout_s),
                                    fmt::format("--max-worker-crashes={}", settings.max_worker_crashes),
                                    "--preset=" + settings.preset,
                                    "--csv=" + run.evaluations().string(),
                                    "--returns=" + run.returns().string()};
  words.push_back(fmt::format("--greedy={}", settings.greedy));
  if (settings.worker_mode == WorkerMode::kThreads) words.push_back("--worker-mode=threads");
  return words;
}

bool is_evaluated(const SweepRun& run, int episodes) {
  const auto table = read_csv(run.evaluations());
  if (!table || table->rows.empty() || !read_csv(run.returns())) return false;
  std::vector<std::string> names;
  for (const CsvRow& row : table->rows) {
    names.push_back(file_name(table->field(row, "checkpoint")));
    if (table->field(row, "episodes") != fmt::format("{}", episodes) ||
        table->field(row, "seed") != fmt::format("{}", run.settings.eval_seed) ||
        table->field(row, "greedy") != (run.settings.greedy ? "1" : "0")) {
      return false;
    }
  }
  // The last row is that of the final weights, which a resumed run replaces.
  const auto steps = summary_of(run.directory).value("environment_steps", std::uint64_t{0});
  return names == checkpoints_there(run) &&
         table->field(table->rows.back(), "environment_steps") == fmt::format("{}", steps);
}

}  // namespace genkidama::cli
