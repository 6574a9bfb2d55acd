#include "cli/commands/result_file.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "genkidama/core/error.h"

namespace genkidama::cli {

void check_result_file(const char* flag, const std::string& file) {
  if (file.empty()) return;
  const auto directory = std::filesystem::path(file).parent_path();
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored))
    throw ArgumentError(fmt::format("{} is '{}', a directory; expected the path of a file", flag, file));
  if (directory.empty() || std::filesystem::is_directory(directory, ignored)) return;
  throw ArgumentError(fmt::format("{} is '{}'; expected a path in a directory that exists", flag, file));
}

}  // namespace genkidama::cli
