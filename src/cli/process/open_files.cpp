#include "cli/process/open_files.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <system_error>

namespace genkidama::cli {
namespace {

using Path = std::filesystem::path;
using DirectoryIterator = std::filesystem::directory_iterator;

bool is_process(const Path& path) {
  const std::string name = path.filename().string();
  return std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

// Processes and their files come and go meanwhile; what is gone is not open.
bool has_open(const Path& process, const Path& file) {
  std::error_code error;
  for (DirectoryIterator entry(process / "fd", error), end; !error && entry != end; entry.increment(error)) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry->path(), gone) == file && !gone) return true;
  }
  return false;
}

}  // namespace

bool is_open_somewhere(const std::filesystem::path& file) {
  std::error_code error;
  const Path absolute = std::filesystem::canonical(file, error);
  if (error) return false;
  for (DirectoryIterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    if (is_process(entry->path()) && has_open(entry->path(), absolute)) return true;
  }
  return false;
}

}  // namespace genkidama::cli
