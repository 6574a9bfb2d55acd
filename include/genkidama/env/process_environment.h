#pragma once

/// @file
/// Plays an environment that another process serves, in any language.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Which program serves the environment, and how long each of its answers may take.
struct ProcessEnvironmentOptions {
  /// The program and its arguments. A name without a slash is looked for in PATH.
  std::vector<std::string> command;
  /// Environment variables that the program gets in addition to those of this process.
  std::vector<std::pair<std::string, std::string>> variables;
  std::string name;                    ///< for messages and the spec; empty: the program's own name for it
  Milliseconds start_timeout{20'000};  ///< from the start of the program until it can play, > 0
  Milliseconds reset_timeout{20'000};  ///< until an episode has started, > 0
  Milliseconds step_timeout{10'000};   ///< until a step, or a turn of several, has been played, > 0
  Milliseconds end_timeout{500};       ///< between the end of the link and the end of the program by force
  int max_failures_at_reset = 3;       ///< so many failures in a row at reset() are an error, >= 1

  /// So many lost episodes without a whole one are an error, >= 1. Ten faults of the same text in a row, each
  /// in the first step of an episode, are an error too, whatever is given here: such a fault does not pass.
  int max_lost_episodes_in_a_row = 100;
};

/// Starts the program and plays the environment that it serves by the environment protocol, of which the
/// documentation has a page. genkidama/env/environment_server.h has the program's side in C, and the
/// installed Python module genkidama_serve serves objects with Gymnasium's interface.
///
/// The program may die, hang, answer what makes no sense, or print what it likes: nothing of that harms this
/// process. A failure during a step ends the episode: step() returns a result whose `lost` is true, with the
/// last observation and a reward of 0, the failure is logged as a warning, and the next reset() starts the
/// program again. A failure during reset() starts it again at once.
///
/// What the program writes to its standard output and standard error goes to this process' standard error,
/// each line with the environment's name before it, and only so many lines a second. Its standard input is
/// empty.
///
/// The program and all processes that it starts end with the environment: it is told by the end of the link,
/// and it is killed after end_timeout. The same happens when this process is killed.
///
/// Throws ArgumentError when an option is out of range, when the program cannot be started, says that it
/// cannot serve the environment, speaks another version, or describes an environment that cannot be; and when
/// it describes another one after it was started again. reset() throws Error after max_failures_at_reset
/// failures in a row, and reset() or step() after max_lost_episodes_in_a_row lost episodes. With the purpose
/// kDescribe only spec() may be called.
std::unique_ptr<Environment> make_process_environment(ProcessEnvironmentOptions options,
                                                      const EnvironmentContext& context = {});

/// Makes environments as make_process_environment() does, and lets one process serve so many of a worker's
/// environments (Hyperparameters::environments_per_worker), 1 to 1,024. Steps that a worker has prepared
/// (Environment::prepare_step()) are played in one turn, which costs little more than that of a single step.
/// When the process fails, the episodes of all its environments are lost. The factory is for one trainer;
/// copies belong together. Throws ArgumentError when an option is out of range.
EnvironmentFactory process_environments(ProcessEnvironmentOptions options, int environments_per_process);

}  // namespace genkidama
