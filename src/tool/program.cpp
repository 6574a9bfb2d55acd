#include "tool/program.h"

#include <memory>
#include <string>
#include <utility>

#include "genkidama/cli/option.h"
#ifdef GENKIDAMA_HAS_MPI
#include "genkidama/mpi/mpi_group.h"
#endif

namespace genkidama::tool {
namespace {

/// Why a file's word for a task is not enough.
std::string distrust(const std::string& task) {
  return is_foreign(task)
             ? "a task of that kind runs code of its own, which a file of a stranger must not choose"
             : "";
}

}  // namespace

cli::Program make_program(PythonPlace python) {
  cli::Program program;
  program.options = {
      {kTaskOption, "What is played, as the word behind the command", cli::TextOption{.distrust = distrust}}};
#ifdef GENKIDAMA_HAS_MPI
  program.machine_groups["mpi"] = [] { return mpi::mpi_group(); };
#endif
  for (cli::Option& option : process_options()) program.options.push_back(std::move(option));
  program.environment = [tasks =
                             std::make_shared<Tasks>(std::move(python))](const EnvironmentContext& context) {
    return tasks->make(context.options.text(kTaskOption), context);
  };
  return program;
}

}  // namespace genkidama::tool
