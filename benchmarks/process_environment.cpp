// What it costs to play an environment in another process.
//
//   process_environment [--environments N] STEPS COMMAND...
//
// Starts the command, plays STEPS steps with random actions in N environments that it serves (1), and prints
// the microseconds of a step. Run it on one core (taskset -c 0) to see what a worker that shares its core
// with its environments sees.

#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "env/draw_action.h"
#include "genkidama/core/clock.h"
#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/env/process_environment.h"

namespace {

using namespace genkidama;

void measure(const ProcessEnvironmentOptions& options, int count, long steps) {
  const EnvironmentFactory factory = process_environments(options, count);
  std::vector<std::unique_ptr<Environment>> environments;
  for (int i = 0; i < count; ++i) {
    environments.push_back(factory({0, i, EnvironmentPurpose::kTrain}));
    environments.back()->reset(static_cast<std::uint64_t>(i));
  }
  const EnvironmentSpec& spec = environments.front()->spec();
  Random random(1);
  std::vector<std::vector<float>> actions(environments.size());
  std::vector<bool> ended(environments.size());
  double playing = 0, resetting = 0;
  long resets = 0, played = 0;
  while (played < steps) {
    for (auto& action : actions) action = draw_action(spec.action_space, random);
    auto start = Clock::now();
    for (std::size_t i = 0; i < environments.size() && count > 1; ++i) {
      environments[i]->prepare_step(Action(actions[i]));
    }
    for (std::size_t i = 0; i < environments.size(); ++i) {
      const StepResult result = environments[i]->step(Action(actions[i]));
      ended[i] = result.terminated || result.truncated;
    }
    playing += seconds_since(start);
    played += count;
    start = Clock::now();
    for (std::size_t i = 0; i < environments.size(); ++i) {
      if (!ended[i]) continue;
      environments[i]->reset(static_cast<std::uint64_t>(played));
      ++resets;
    }
    resetting += seconds_since(start);
  }
  fmt::print("{}, {} in a process: {:.2f} us a step, {:.2f} us a reset, {:.0f} steps/s with resets\n",
             spec.name, count, 1e6 * playing / static_cast<double>(played),
             resets > 0 ? 1e6 * resetting / static_cast<double>(resets) : 0.0,
             static_cast<double>(played) / (playing + resetting));
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  int count = 1;
  if (words.size() > 1 && words[0] == "--environments") {
    count = std::atoi(words[1].c_str());
    words.erase(words.begin(), words.begin() + 2);
  }
  if (words.size() < 2) {
    fmt::print(stderr, "usage: process_environment [--environments N] STEPS COMMAND...\n");
    return 2;
  }
  try {
    ProcessEnvironmentOptions options;
    options.command.assign(words.begin() + 1, words.end());
    measure(options, count, std::strtol(words[0].c_str(), nullptr, 10));
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
