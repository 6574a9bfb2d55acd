// Plays and trains what scripts/compare-architectures compares on two kinds of machines:
//
//   genkidama_record tasks STEPS FOLDER                   FOLDER/TASK.steps for each bundled task
//   genkidama_record training TASK PRESET STEPS FOLDER    a run directory, with one worker, seed 1 and
//                                                         a checkpoint of each update
//
// The actions of a file of steps depend on nothing but the number of the step. It has one line, the width of
// an observation, and then for each step its observation, the reward and the end (0: the episode goes on, 1:
// terminated, 2: truncated) as floats of this machine. Both kinds of machines are little-endian.
#include <charconv>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "env/draw_action.h"
#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/env/bundled_tasks.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/preset.h"
#include "genkidama/run/trainer_run.h"

namespace {

using namespace genkidama;

int whole_number(const std::string& text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number >= 1) return number;
  throw ArgumentError("the number of steps is '" + text + "', expected a whole number of at least 1");
}

void record_task(const BundledTask& task, int steps, const std::filesystem::path& folder) {
  const auto environment = task.make();
  const EnvironmentSpec spec = completed(environment->spec());
  std::ofstream file(folder / (task.name + ".steps"), std::ios::binary);
  file << spec.observation_size << '\n';
  Random actions(1);
  std::uint64_t episode = 0;
  bool has_ended = true;
  for (int step = 0; step < steps; ++step) {
    if (has_ended) environment->reset(++episode);
    const auto action = allowed_action(spec.action_space, environment->action_mask(),
                                       draw_action(spec.action_space, actions));
    const StepResult result = environment->step(Action(action));
    has_ended = result.terminated || result.truncated;
    std::vector<float> row(result.observation.begin(), result.observation.end());
    row.push_back(result.reward);
    row.push_back(result.terminated ? 1.0F : result.truncated ? 2.0F : 0.0F);
    file.write(reinterpret_cast<const char*>(row.data()),
               static_cast<std::streamsize>(row.size() * sizeof(float)));
  }
  if (!file.flush()) throw IoError("cannot write the steps of " + task.name);
}

run::Preset preset_named(const std::string& name) {
  if (name == "thesis") return run::thesis_preset();
  if (name == "tuned") return run::tuned_preset();
  if (name == "control") return run::control_preset();
  throw ArgumentError("the preset is '" + name + "', expected thesis, tuned or control");
}

void record_training(const std::string& task, const std::string& name, int steps,
                     const std::filesystem::path& folder) {
  run::Preset preset = preset_named(name);
  preset.max_steps = static_cast<std::uint64_t>(steps);
  OrchestratorOptions machine;
  machine.workers = 1;
  run::apply(preset, machine);
  CoreOrchestrator trainer(bundled_task(task).make, preset.network, machine);
  run::RunOptions options;
  options.directory = folder;
  options.max_steps = preset.max_steps;
  options.eval_episodes = 0;
  options.checkpoint_every = 1;
  run::TrainerRun run(trainer, options);
  while (run.advance()) {
  }
  run.finish();
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    if (arguments.size() == 3 && arguments[0] == "tasks") {
      const int steps = whole_number(arguments[1]);
      std::filesystem::create_directories(arguments[2]);
      for (const BundledTask& task : bundled_tasks()) record_task(task, steps, arguments[2]);
    } else if (arguments.size() == 5 && arguments[0] == "training") {
      record_training(arguments[1], arguments[2], whole_number(arguments[3]), arguments[4]);
    } else {
      throw ArgumentError("expected 'tasks STEPS FOLDER' or 'training TASK PRESET STEPS FOLDER'");
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "genkidama_record: %s\n", error.what());
    return dynamic_cast<const ArgumentError*>(&error) != nullptr ? 2 : 1;
  }
  return 0;
}
