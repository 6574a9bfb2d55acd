#include <fmt/format.h>

#include <cstdio>
#include <functional>

#include "cli/commands.h"
#include "cli/evaluation.h"
#include "cli/presets.h"
#include "cli/trainer_run.h"
#include "genkidama/core/atomic_file.h"
#include "genkidama/core/error.h"
#include "genkidama/params/safetensors.h"

namespace genkidama::cli {
namespace {

// A file that the user named and that cannot be used is a bad argument.
Checkpoint as_argument(const std::function<Checkpoint()>& read) {
  try {
    return read();
  } catch (const Error& error) {
    throw ArgumentError(fmt::format("--checkpoint: {}", error.what()));
  }
}

// The network belongs to the preset, so the one the weights were trained with is taken unless the user says.
void take_recorded_preset(Job& job, const Checkpoint& checkpoint) {
  for (const std::string& word : job.settings.command_line) {
    if (word.rfind("--preset", 0) == 0) return;
  }
  const auto recorded = checkpoint.metadata.find("preset");
  if (recorded != checkpoint.metadata.end() && presets_of(job.program).count(recorded->second) > 0) {
    job.settings.preset = recorded->second;
  }
}

}  // namespace

int run_evaluate(Job job) {
  const Settings& settings = job.settings;
  // Once to refuse a bad file before anything is started, and once the network is known.
  take_recorded_preset(job, as_argument([&] { return read_safetensors(settings.checkpoint); }));
  const auto trainer = make_trainer(job, settings.workers);
  trainer->write_weights(
      as_argument([&] { return read_safetensors(settings.checkpoint, trainer->layout()); }).weights);

  EvaluationRequest request;
  request.episodes = settings.episodes;
  request.seed = settings.seed;
  request.greedy = settings.greedy;
  const EvaluationStatistics result = run_evaluation(*trainer, request);
  fmt::print("{} on {}\n{}", settings.checkpoint, trainer->environment_spec().name, to_table(result));
  std::fflush(stdout);
  if (!settings.json_file.empty()) {
    auto json = to_json(result);
    json["checkpoint"] = settings.checkpoint;
    json["environment"] = trainer->environment_spec().name;
    json["preset"] = settings.preset;
    write_file_atomically(settings.json_file, json.dump(2) + "\n");
  }
  return 0;
}

}  // namespace genkidama::cli
