// Plays every bundled task with actions that depend on nothing but the step, and keeps what was seen, for
// scripts/compare-architectures: record_trajectories STEPS FOLDER writes FOLDER/TASK.steps for each task.
//
// Such a file has one line, the width of an observation, and then for each step its observation, the reward
// and the end (0: the episode goes on, 1: terminated, 2: truncated) as floats of this machine. Both kinds of
// machine are little-endian.
#include <charconv>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "env/draw_action.h"
#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/env/bundled_tasks.h"

namespace {

using namespace genkidama;

void record(const BundledTask& task, int steps, const std::filesystem::path& folder) {
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

}  // namespace

int main(int argc, char** argv) {
  const std::string_view number = argc == 3 ? argv[1] : "";
  int steps = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), steps);
  if (error != std::errc() || end != number.data() + number.size() || steps < 1) {
    std::fprintf(stderr, "record_trajectories: expected a number of steps, at least 1, and a folder\n");
    return 2;
  }
  try {
    std::filesystem::create_directories(argv[2]);
    for (const BundledTask& task : bundled_tasks()) record(task, steps, argv[2]);
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "record_trajectories: %s\n", problem.what());
    return 1;
  }
  return 0;
}
