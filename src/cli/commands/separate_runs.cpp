#include "cli/commands/separate_runs.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "genkidama/core/log.h"

namespace genkidama::cli {
namespace {

// The rank and the number of ranks. Slurm's SLURM_PROCID alone says nothing: a batch script has it too.
constexpr std::array<std::pair<const char*, const char*>, 3> kLaunchers{
    {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
     {"PMI_RANK", "PMI_SIZE"},
     {"PMIX_RANK", "SLURM_NTASKS"}}};

std::optional<int> number_of(const std::string& text) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc() || read.ptr != end) return {};
  return value;
}

}  // namespace

std::string separate_runs_warning(const Program& program,
                                  const std::function<std::string(const char*)>& variable) {
  for (const auto& [rank_name, size_name] : kLaunchers) {
    const auto rank = number_of(variable(rank_name)), size = number_of(variable(size_name));
    if (!rank || !size) continue;
    if (*rank != 0 || *size < 2) return {};
    std::vector<std::string> flags;
    for (const auto& [name, unused] : program.machine_groups) flags.push_back("--exchange " + name);
    return fmt::format(
        "{} processes were started together ({}), and they make {} separate runs; {}", *size, size_name,
        *size,
        flags.empty()
            ? "for one run of all of them use a program that was built with -DGENKIDAMA_MPI=ON, and "
              "--exchange mpi"
            : fmt::format("for one run of all of them use {}", fmt::join(flags, " or ")));
  }
  return {};
}

void warn_of_separate_runs(const Program& program) {
  const std::string text = separate_runs_warning(program, [](const char* name) -> std::string {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
  });
  if (!text.empty()) log(LogLevel::kWarning, "{}", text);
}

}  // namespace genkidama::cli
