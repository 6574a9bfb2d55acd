#include "cli/run_directory.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <string>
#include <system_error>

#include "genkidama/core/error.h"

namespace genkidama::cli {
namespace {

// A header alone was left by a run that never got going, for instance because its port was in use.
bool has_rows(const std::filesystem::path& table) {
  std::ifstream file(table);
  std::string line;
  return std::getline(file, line) && std::getline(file, line);
}

}  // namespace

std::filesystem::path RunDirectory::checkpoint(std::uint64_t update) const {
  return path_ / "checkpoints" / fmt::format("update_{:06}.safetensors", update);
}

std::filesystem::path RunDirectory::child(int number) const {
  return path_ / "children" / fmt::format("child_{}", number);
}

void RunDirectory::check_unused() const {
  std::error_code ignored;
  const auto status = std::filesystem::status(path_, ignored);
  if (std::filesystem::exists(status) && !std::filesystem::is_directory(status)) {
    throw ArgumentError(fmt::format("--run-dir {}: this is not a directory", path_.string()));
  }
  if (std::filesystem::exists(state(), ignored) || std::filesystem::exists(final_weights(), ignored) ||
      has_rows(metrics())) {
    throw ArgumentError(
        fmt::format("--run-dir {}: a run is in this directory already; go on with it by --resume {} or take "
                    "another directory",
                    path_.string(), path_.string()));
  }
}

void RunDirectory::check_resumable() const {
  std::error_code ignored;
  if (!std::filesystem::exists(state(), ignored)) {
    throw ArgumentError(
        fmt::format("--resume {}: there is no state.safetensors: the run ended before its first checkpoint; "
                    "start it anew",
                    path_.string()));
  }
}

void RunDirectory::create() const {
  std::error_code error;
  std::filesystem::create_directories(path_ / "checkpoints", error);
  if (error) {
    throw IoError(fmt::format("cannot make the run directory {}: {}", path_.string(), error.message()));
  }
}

std::string default_run_directory(const std::string& program) {
  return fmt::format("runs/{}-{:%Y%m%d-%H%M%S}-{}", program, fmt::localtime(std::time(nullptr)), getpid());
}

}  // namespace genkidama::cli
