// What it costs to play an environment in another process.
//
//   process_environment STEPS COMMAND...
//
// Starts the command, plays STEPS steps of it with random actions, and prints the microseconds of a step. Run
// it on one core (taskset -c 0) to see what a worker that shares its core with its environment sees.

#include <fmt/format.h>

#include <cstdlib>
#include <string>

#include "env/draw_action.h"
#include "genkidama/core/clock.h"
#include "genkidama/core/random.h"
#include "genkidama/env/process_environment.h"

int main(int argc, char** argv) {
  using namespace genkidama;
  if (argc < 3) {
    fmt::print(stderr, "usage: process_environment STEPS COMMAND...\n");
    return 2;
  }
  const long steps = std::strtol(argv[1], nullptr, 10);
  ProcessEnvironmentOptions options;
  options.command.assign(argv + 2, argv + argc);
  const auto environment = make_process_environment(options);
  Random random(1);
  environment->reset(1);
  double playing = 0, resetting = 0;
  long resets = 0;
  for (long step = 0; step < steps; ++step) {
    const auto action = draw_action(environment->spec().action_space, random);
    auto start = Clock::now();
    const StepResult result = environment->step(Action(action));
    playing += seconds_since(start);
    if (!result.terminated && !result.truncated) continue;
    start = Clock::now();
    environment->reset(static_cast<std::uint64_t>(step));
    resetting += seconds_since(start);
    ++resets;
  }
  fmt::print("{}: {:.2f} us a step, {:.2f} us a reset, {:.0f} steps/s with resets\n",
             environment->spec().name, 1e6 * playing / static_cast<double>(steps),
             resets > 0 ? 1e6 * resetting / static_cast<double>(resets) : 0.0,
             static_cast<double>(steps) / (playing + resetting));
  return 0;
}
