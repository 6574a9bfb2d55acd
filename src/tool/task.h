#pragma once

// What a user names on the command line to be played.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/cli/option.h"
#include "genkidama/env/environment.h"

namespace genkidama::tool {

/// The Python that plays, for what the variables GENKIDAMA_PYTHON and GENKIDAMA_PYTHON_PATH do not say.
struct PythonPlace {
  std::string interpreter = "python3";  ///< a program
  std::string folder{};                 ///< of genkidama_serve.py; empty: where the installation has it
};

/// Makes the environments of a run. One object makes all of them, since those that are played in processes
/// may share them.
class Tasks {
 public:
  explicit Tasks(PythonPlace python = {}) : python_(std::move(python)) {}

  /// Makes an environment of the task:
  ///   cart-pole                 a bundled task, by its name or alias
  ///   ./my_env.so               a shared object (a name with a slash in it, or that ends with .so)
  ///   process:./my_env          a program that speaks the environment protocol
  ///   gymnasium:CartPole-v1     an id of Gymnasium's, in a Python process
  ///   python:my_task.py:MyTask  a class or function in a file, or in a module, in a Python process
  /// A process is run as the context's options say (process_options()). Throws ArgumentError for a
  /// task that does not exist or cannot be played.
  std::unique_ptr<Environment> make(const std::string& task, const EnvironmentContext& context);

 private:
  PythonPlace python_;
  std::mutex mutex_;                                     ///< workers may be threads
  std::map<std::string, EnvironmentFactory> processes_;  ///< by task
};

/// The tool's options for tasks that are played in a process of their own.
std::vector<cli::Option> process_options();

/// Whether playing the task runs code that does not come with this program.
bool is_foreign(const std::string& task);

/// The same task for processes that run in another directory: paths of files are absolute.
std::string absolute_task(const std::string& task);

/// A line for each bundled task, and the other forms.
std::string task_list();

}  // namespace genkidama::tool
