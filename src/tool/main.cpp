// The tool `genkidama`: the whole command line for a task that is named on it.

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "genkidama/cli/program.h"
#include "tool/program.h"
#include "tool/task.h"

namespace genkidama::tool {
namespace {

constexpr const char* kTasks = "tasks";
constexpr int kBadArguments = 2;

constexpr const char* kUsage =
    "usage: genkidama COMMAND TASK [options], for instance\n"
    "  genkidama train lunar-lander --max-steps 1000000 --run-dir runs/first\n"
    "  genkidama evaluate --checkpoint runs/first/final.safetensors\n"
    "  genkidama watch --checkpoint runs/first/final.safetensors\n"
    "  genkidama compare runs/first runs/second --out curves.svg\n"
    "  genkidama export --checkpoint runs/first/final.safetensors --to c --out policy.h\n"
    "  genkidama tasks                                  lists the tasks\n"
    "A run that goes on with --resume knows its task. --checkpoint and --config know bundled tasks; every "
    "other\n"
    "TASK runs code, and must be named.\n\n";

bool is_flag(const std::string& word) {
  return !word.empty() && word.front() == '-';
}

/// What follows such a command are directories of runs, of whatever task.
bool reads_runs(const std::string& command) {
  return command == "compare" || command == "report";
}

/// The words of a user with the task as an option. It is the word behind the command, or behind the command
/// of a sweep's runs.
std::vector<std::string> words_with_option(int argc, char** argv) {
  std::vector<std::string> words(argv, argv + argc);
  if (words.size() < 3 || is_flag(words[1]) || reads_runs(words[1])) return words;
  std::size_t at = 2;
  if (words[1] == "sweep" && (words[at] == "train" || words[at] == "cluster")) ++at;
  if (at < words.size() && !is_flag(words[at])) {
    words[at] = std::string("--") + kTaskOption + "=" + absolute_task(words[at]);
  }
  return words;
}

int refuse_words(const char* word) {
  std::fprintf(stderr,
               "error: unknown argument '%s'; expected 'genkidama tasks' alone, which lists the tasks\n",
               word);
  return kBadArguments;
}

int list_tasks() {
  const std::string text = task_list();
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? 0 : 1;
}

int main(int argc, char** argv) {
  const std::string_view first = argc > 1 ? argv[1] : "";
  if (first == kTasks) return argc == 2 ? list_tasks() : refuse_words(argv[2]);
  if (first.empty() || first == "--help" || first == "-h") {
    std::fputs(kUsage, first.empty() ? stderr : stdout);
    std::fflush(nullptr);
  }
  std::vector<std::string> words = words_with_option(argc, argv);
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return cli::main(static_cast<int>(words.size()), pointers.data(), [] {
    cli::Program program = make_program({});
    program.other_commands = {{kTasks, "List the tasks"}};
    return program;
  });
}

}  // namespace
}  // namespace genkidama::tool

int main(int argc, char** argv) {
  return genkidama::tool::main(argc, argv);
}
