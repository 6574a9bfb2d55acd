#include "tool/task.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/env/bundled_tasks.h"
#include "genkidama/env/process_environment.h"
#include "tool/plugin_loader.h"

namespace genkidama::tool {
namespace {

constexpr std::string_view kGymnasium = "gymnasium:";
constexpr std::string_view kPython = "python:";
constexpr std::string_view kProcess = "process:";
// The Python that plays, and where its module lies when it is not where the installation has it.
constexpr const char* kInterpreterVariable = "GENKIDAMA_PYTHON";
constexpr const char* kModuleVariable = "GENKIDAMA_PYTHON_PATH";

bool begins_with(const std::string& text, std::string_view beginning) {
  return text.rfind(beginning, 0) == 0;
}

bool is_shared_object(const std::string& task) {
  return task.find('/') != std::string::npos || std::filesystem::path(task).extension() == ".so";
}

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// The folder of genkidama_serve.py.
std::string module_folder(const PythonPlace& python) {
  std::error_code error;
  if (const std::string given = variable(kModuleVariable); !given.empty()) {
    if (std::filesystem::exists(std::filesystem::path(given) / "genkidama_serve.py", error)) return given;
    throw ArgumentError(fmt::format(
        "{} is '{}', and there is no genkidama_serve.py; expected the folder that holds it, or no {} at all",
        kModuleVariable, given, kModuleVariable));
  }
  if (!python.folder.empty()) return python.folder;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto folder = program.parent_path().parent_path() / "share/genkidama/python";
  if (!error && std::filesystem::exists(folder / "genkidama_serve.py", error)) return folder.string();
  throw ArgumentError(
      fmt::format("genkidama_serve.py is not at {}; expected it there, or {} to name its folder",
                  folder.string(), kModuleVariable));
}

/// Whether the shell would find a program by this name.
bool is_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return ::access(name.c_str(), X_OK) == 0;
  const std::string path = variable("PATH");
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    const auto folder = std::filesystem::path(path.substr(begin, end - begin));
    if (::access((folder / name).c_str(), X_OK) == 0) return true;
    begin = end + 1;
  }
  return false;
}

std::string python_interpreter(const PythonPlace& python) {
  const std::string given = variable(kInterpreterVariable);
  if (given.empty()) return python.interpreter;
  if (is_program(given)) return given;
  throw ArgumentError(fmt::format(
      "{} is '{}', and cannot start '{}': there is no such program; expected a Python, such as python3",
      kInterpreterVariable, given, given));
}

constexpr const char* kStartTimeout = "start-timeout";
constexpr const char* kResetTimeout = "reset-timeout";
constexpr const char* kStepTimeout = "step-timeout";
constexpr const char* kMaxLostEpisodes = "max-lost-episodes";
constexpr const char* kEnvsPerProcess = "envs-per-process";

ProcessEnvironmentOptions with_limits(const OptionValues& given) {
  const auto span = [&given](const char* option) {
    return Milliseconds(std::llround(given.number(option) * 1000));
  };
  ProcessEnvironmentOptions options;
  options.start_timeout = span(kStartTimeout);
  options.reset_timeout = span(kResetTimeout);
  options.step_timeout = span(kStepTimeout);
  options.max_lost_episodes_in_a_row = static_cast<int>(given.whole(kMaxLostEpisodes));
  return options;
}

ProcessEnvironmentOptions python_options(const std::string& task, const OptionValues& chosen,
                                         const PythonPlace& python) {
  ProcessEnvironmentOptions options = with_limits(chosen);
  const std::string interpreter = python_interpreter(python);
  options.command = {interpreter, "-m", "genkidama_serve", task};
  std::string path = module_folder(python);
  if (const std::string given = variable("PYTHONPATH"); !given.empty()) path += ":" + given;
  options.variables = {{"PYTHONPATH", path}, {"PYTHONUNBUFFERED", "1"}};
  return options;
}

/// Whether it is played in a process of its own.
bool is_process(const std::string& task) {
  return begins_with(task, kGymnasium) || begins_with(task, kPython) || begins_with(task, kProcess);
}

ProcessEnvironmentOptions process_task_options(const std::string& task, const OptionValues& chosen,
                                               const PythonPlace& python) {
  if (!begins_with(task, kProcess)) return python_options(task, chosen, python);
  const std::string program = task.substr(kProcess.size());
  if (program.empty()) throw ArgumentError("'process:' names no program; expected process:./PROGRAM");
  ProcessEnvironmentOptions options = with_limits(chosen);
  options.command = {program};
  return options;
}

/// "FILE.py" of "python:FILE.py:CLASS"; empty when a module is named.
std::string file_of(const std::string& task) {
  const auto end = task.rfind(':');
  if (!begins_with(task, kPython) || end < kPython.size()) return "";
  const std::string place = task.substr(kPython.size(), end - kPython.size());
  return std::filesystem::path(place).extension() == ".py" ? place : "";
}

}  // namespace

std::unique_ptr<Environment> Tasks::make(const std::string& task, const EnvironmentContext& context) {
  if (task.empty()) {
    throw ArgumentError(
        "no task was named; expected 'genkidama COMMAND TASK'; 'genkidama tasks' lists the tasks");
  }
  if (is_process(task)) {
    EnvironmentFactory factory;
    {
      const std::lock_guard lock(mutex_);
      EnvironmentFactory& known = processes_[task];
      if (!known) {
        known = process_environments(process_task_options(task, context.options, python_),
                                     static_cast<int>(context.options.whole(kEnvsPerProcess)));
      }
      factory = known;
    }
    return factory(context);
  }
  if (is_shared_object(task)) return load_plugin(task)(context);
  try {
    return bundled_task(task).make(context);
  } catch (const ArgumentError& error) {
    throw ArgumentError(
        fmt::format("{}, a path such as ./my_env.so, process:./PROGRAM, gymnasium:ID or "
                    "python:MODULE:CLASS",
                    error.what()));
  }
}

std::vector<cli::Option> process_options() {
  const ProcessEnvironmentOptions defaults;
  const auto seconds = [](Milliseconds span) {
    return cli::NumberOption{.value = static_cast<double>(span.count()) / 1000, .min = 0.001, .max = 86'400};
  };
  return {
      {kStartTimeout,
       "Seconds until the process of a gymnasium:, python: or process: task can play, a reset() by which it "
       "finds "
       "out what it plays included",
       seconds(defaults.start_timeout)},
      {kResetTimeout, "Seconds until such a process has started an episode", seconds(defaults.reset_timeout)},
      {kStepTimeout,
       "Seconds until such a process has played a step; later, its episode is lost and it is started again",
       seconds(defaults.step_timeout)},
      {kMaxLostEpisodes, "So many lost episodes of such a process without a whole one end the run",
       cli::WholeNumberOption{.value = defaults.max_lost_episodes_in_a_row, .min = 1, .max = 1'000'000'000}},
      {kEnvsPerProcess, "Environments of a worker that such a process serves, in one turn for all of them",
       cli::WholeNumberOption{.value = 1, .min = 1, .max = 1024}}};
}

bool is_foreign(const std::string& task) {
  return is_process(task) || is_shared_object(task);
}

std::string absolute_task(const std::string& task) {
  if (const std::string file = file_of(task); !file.empty()) {
    return std::string(kPython) + std::filesystem::absolute(file).lexically_normal().string() +
           task.substr(kPython.size() + file.size());
  }
  if (begins_with(task, kProcess) && task.find('/') != std::string::npos) {
    const std::string program = task.substr(kProcess.size());
    return std::string(kProcess) + std::filesystem::absolute(program).lexically_normal().string();
  }
  if (is_process(task) || !is_shared_object(task)) return task;
  return std::filesystem::absolute(task).lexically_normal().string();
}

std::string task_list() {
  constexpr std::size_t kLongestForm = 30;
  std::size_t width = kLongestForm;
  for (const BundledTask& task : bundled_tasks()) width = std::max(width, task.name.size());
  std::string text = "Bundled tasks:\n";
  for (const BundledTask& task : bundled_tasks()) {
    text += fmt::format("  {:<{}}  {}\n", task.name, width, task.summary);
  }
  text += "Other tasks:\n";
  for (const auto& [form, meaning] :
       {std::pair("./my_env.so", "an environment in a shared object (genkidama/env/plugin.h)"),
        std::pair("process:./my_env", "a program that speaks the environment protocol"),
        std::pair("gymnasium:CartPole-v1", "an id of Gymnasium's registry, in Python"),
        std::pair("python:my_task.py:MyTask", "a class in a file with Gymnasium's interface"),
        std::pair("python:my_package.tasks:MyTask", "the same in a module")}) {
    text += fmt::format("  {:<{}}  {}\n", form, width, meaning);
  }
  return text;
}

}  // namespace genkidama::tool
