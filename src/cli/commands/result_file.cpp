#include "cli/commands/result_file.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "genkidama/core/error.h"

namespace genkidama::cli {

void check_result_file(const char* flag, const std::string& file, const std::string& ending) {
  if (file.empty()) return;
  const auto directory = std::filesystem::path(file).parent_path();
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored))
    throw ArgumentError(fmt::format("{} is '{}', a directory; expected the path of a file", flag, file));
  // A run's own files have other endings, and a slip of the keyboard must not cost one.
  const bool is_device =
      std::filesystem::exists(file, ignored) && !std::filesystem::is_regular_file(file, ignored);
  if (!is_device && !file.ends_with(ending))
    throw ArgumentError(fmt::format("{} is '{}'; expected a name that ends in {}", flag, file, ending));
  if (directory.empty() || std::filesystem::is_directory(directory, ignored)) return;
  throw ArgumentError(fmt::format("{} is '{}'; expected a path in a directory that exists", flag, file));
}

}  // namespace genkidama::cli
