#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <system_error>
#include <utility>

#include "cli/commands/checkpoint_records.h"
#include "cli/commands/commands.h"
#include "cli/commands/idle_options.h"
#include "cli/options/command_line.h"
#include "cli/options/is_one_of.h"
#include "cli/terminal/evaluation_table.h"
#include "cli/terminal/live_line.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "core/write_target.h"
#include "genkidama/core/atomic_file.h"
#include "genkidama/core/error.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/rl/algorithms.h"
#include "nn/bundled_network.h"
#include "run/directory/json_file.h"
#include "run/evaluation/evaluation_report.h"
#include "run/evaluation/figure_text.h"
#include "run/evaluation/read_policy.h"

namespace genkidama::cli {
namespace {

using Path = std::filesystem::path;

constexpr Milliseconds kPlainInterval{5'000};

// What is no number is refused with the network that it does not fit.
void take_count(std::string_view text, int& count) {
  std::from_chars(text.data(), text.data() + text.size(), count);
}

// Which algorithm's policy it is, where the run had another one than the preset: only the outputs that it
// asks of the network and what they mean count.
void take_algorithm(Settings& settings, const std::string& behaviour, const Checkpoint& checkpoint) {
  if (names_option(settings.command_line, "loss")) return;
  Hyperparameters& hyperparameters = settings.learning.hyperparameters;
  // One of the program's own knows its policies.
  if (!is_one_of(hyperparameters.algorithm, algorithm_names())) return;
  const auto critics = checkpoint.metadata.find("critics");
  constexpr std::string_view kQuantiles = "greedy ";
  const bool of_quantiles = behaviour.starts_with(kQuantiles);
  const bool of_values = behaviour == "greedy", has_critics = critics != checkpoint.metadata.end();
  const bool is_a3c = hyperparameters.algorithm == "a3c";
  if (of_quantiles) {
    hyperparameters.algorithm = "qr_dqn";
  } else if (of_values) {
    hyperparameters.algorithm = "dqn";
  } else if (has_critics) {
    hyperparameters.algorithm = behaviour == "deterministic" ? "td3" : "sac";
  } else if (!is_a3c) {
    hyperparameters.algorithm = "ppo";
  }
  if (has_critics && !names_option(settings.command_line, "critics"))
    take_count(critics->second, hyperparameters.critics);
  if (of_quantiles && !names_option(settings.command_line, "quantiles"))
    take_count(std::string_view(behaviour).substr(kQuantiles.size()), hyperparameters.quantiles);
  const auto values = checkpoint.metadata.find("value_outputs");
  if (of_values && values != checkpoint.metadata.end() && !names_option(settings.command_line, "dueling"))
    hyperparameters.dueling = values->second == "1";
  if ((of_values || of_quantiles) && !names_option(settings.command_line, "noisy-layers"))
    hyperparameters.noisy_layers = checkpoint.metadata.contains("noisy_layers");
}

// How actions follow from the network's outputs belongs to the weights, so the file knows unless the user
// says.
void take_behaviour(Settings& settings, const Path& path) {
  const Checkpoint checkpoint = as_argument([&] { return read_safetensors(path); });
  const auto recorded = checkpoint.metadata.find("behaviour");
  if (recorded == checkpoint.metadata.end()) return;
  take_algorithm(settings, recorded->second, checkpoint);
  // They draw nothing unless they explore.
  if (recorded->second.starts_with("greedy") || recorded->second == "deterministic") {
    if (names_option(settings.command_line, "greedy") && !settings.run.greedy)
      warn_of_idle("--greedy",
                   fmt::format("this policy samples nothing, its actions are '{}'", recorded->second));
    settings.run.greedy = true;
  }
  const auto options = described_options(recorded->second);
  if (!options) return;
  Hyperparameters& hyperparameters = settings.learning.hyperparameters;
  const auto is_open = [&](const char* option) { return !names_option(settings.command_line, option); };
  if (is_open("action-bounds")) hyperparameters.action_bounds = options->action_bounds;
  if (is_open("deviation")) hyperparameters.state_dependent_deviation = options->state_dependent_deviation;
  if (is_open("initial-log-deviation"))
    hyperparameters.initial_log_deviation = options->initial_log_deviation;
}

// The run's options may have changed the preset's network, and the file says which one it holds. Whoever
// names a preset gets its network.
std::optional<MlpOptions> network_for(const Job& job, const Path& path) {
  const auto preset = mlp_options(job.program.presets.at(job.settings.preset).network);
  if (!preset || names_option(job.settings.command_line, "preset")) return preset;
  const Checkpoint file = as_argument([&] { return read_safetensors(path); });
  const auto recorded = file.metadata.find("network");
  if (recorded == file.metadata.end()) return preset;
  const auto held = mlp_options(bundled_network(recorded->second));
  return held ? held : preset;
}

run::CheckpointEvaluation evaluate_one(const Job& job, CoreOrchestrator& trainer, const Path& path) {
  const Settings& settings = job.settings;
  Checkpoint file = as_argument([&] { return run::read_policy(path, trainer); });
  trainer.write_weights(file.weights);
  trainer.normalise_as(file.metadata);
  EvaluationRequest request;
  request.episodes = settings.evaluate.episodes;
  request.seed = settings.learning.seed;
  request.greedy = settings.run.greedy;
  run::CheckpointEvaluation result;
  result.checkpoint = path;
  result.metadata = std::move(file.metadata);
  result.environment = trainer.environment_spec().name;
  result.preset = settings.preset;
  result.statistics = run::evaluate(trainer, request, &result.episodes);
  return result;
}

std::vector<run::CheckpointEvaluation> evaluate_all(const Job& job, CoreOrchestrator& trainer,
                                                    const std::vector<Path>& paths) {
  std::vector<run::CheckpointEvaluation> results;
  LiveLine line(kPlainInterval);
  const auto started = Clock::now();
  for (const Path& path : paths) {
    results.push_back(evaluate_one(job, trainer, path));
    if (!line.due() || results.size() == paths.size()) continue;
    const double each = seconds_since(started) / static_cast<double>(results.size());
    const run::EvaluationStatistics& latest = results.back().statistics;
    line.show_parts(
        {{fmt::format("checkpoint {} of {}", results.size(), paths.size()), 0},
         {path.filename().string(), 3},
         {"mean return " + run::figure_text(latest.mean, latest.standard_error), 1},
         {run::duration_text(each * static_cast<double>(paths.size() - results.size())) + " left", 2}});
  }
  line.erase();
  return results;
}

// What symbolic links lead to, also where nothing is yet.
Path followed(const Path& path) {
  try {
    return find_write_target(path).path;
  } catch (const std::system_error&) {
    return path;  // a directory or a circle: the error comes when it is written
  }
}

// A device may be written twice, and by a link a file may have several names.
bool same_file(const Path& left, const Path& right) {
  std::error_code ignored;
  const auto status = std::filesystem::status(left, ignored);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) return false;
  return std::filesystem::equivalent(left, right, ignored) ||
         std::filesystem::weakly_canonical(followed(left), ignored) ==
             std::filesystem::weakly_canonical(followed(right), ignored);
}

// Before hours of playing, not after.
void check_targets(const Settings& settings, const std::vector<Path>& checkpoints) {
  const std::pair<std::string_view, const std::string&> targets[] = {
      {"--json", settings.evaluate.json_file},
      {"--csv", settings.evaluate.csv_file},
      {"--returns", settings.evaluate.returns_file}};
  for (const auto& [flag, file] : targets) {
    std::error_code ignored;
    if (!file.empty() && !std::filesystem::is_directory(directory_of(file), ignored)) {
      throw ArgumentError(fmt::format("{} is '{}'; expected a path in a directory that exists", flag, file));
    }
    if (file.empty()) continue;
    for (const auto& [other_flag, other] : targets) {
      if (other_flag == flag) break;
      if (other.empty() || !same_file(file, other)) continue;
      throw ArgumentError(
          fmt::format("{} and {} are the same file, '{}'; expected a file for each", other_flag, flag, file));
    }
    for (const Path& checkpoint : checkpoints) {
      if (!same_file(file, checkpoint)) continue;
      throw ArgumentError(
          fmt::format("{} is '{}', a checkpoint that is to be evaluated; expected another file", flag, file));
    }
  }
}

void write_files(const Settings& settings, const std::vector<run::CheckpointEvaluation>& results) {
  if (!settings.evaluate.json_file.empty()) {
    auto json = nlohmann::ordered_json::array();
    for (const run::CheckpointEvaluation& result : results) json.push_back(run::to_json(result));
    run::write_json_file(settings.evaluate.json_file, results.size() == 1 ? json[0] : json);
  }
  // The table last: whoever finds it finds the returns too.
  if (!settings.evaluate.returns_file.empty())
    write_file_atomically(settings.evaluate.returns_file, run::returns_to_csv(results));
  if (!settings.evaluate.csv_file.empty())
    write_file_atomically(settings.evaluate.csv_file, run::to_csv(results));
}

}  // namespace

int run_evaluate(Job job) {
  const std::vector<Path> paths = checkpoints_named(job.settings.evaluate.checkpoints);
  take_records(job, paths);
  job.settings.network = network_for(job, paths.front());
  check_targets(job.settings, paths);
  take_behaviour(job.settings, paths.front());
  const auto trainer = make_trainer(job, job.settings.learning.workers);
  // Again, now that the network is known: a foreign one is refused before the first episode.
  for (const Path& path : paths) as_argument([&] { return run::read_policy(path, *trainer); });

  const auto results = evaluate_all(job, *trainer, paths);
  write_files(job.settings, results);
  const run::CheckpointEvaluation& first = results.front();
  if (results.size() == 1) {
    print("{} on {}\n{}", first.checkpoint.string(), first.environment, to_table(first.statistics));
  } else {
    print("{} checkpoints on {}, {} episodes each (seed {}, {} actions)\n{}", results.size(),
          first.environment, first.statistics.episodes, first.statistics.seed,
          first.statistics.greedy ? "greedy" : "sampled", to_table(results));
  }
  return 0;
}

}  // namespace genkidama::cli
