#include "core/write_target.h"

#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <string>
#include <system_error>

namespace genkidama {
namespace {

namespace fs = std::filesystem;

// As many as the kernel follows.
constexpr int kMostLinks = 40;

[[noreturn]] void fail(int error) {
  throw std::system_error(error, std::generic_category());
}

fs::path directory_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// The links in this directory stand for open files, whatever their text says.
std::optional<int> descriptor_named_by(const fs::path& path) {
  const std::string name = path.filename().string();
  int descriptor = -1;
  const auto number = std::from_chars(name.data(), name.data() + name.size(), descriptor);
  if (number.ec != std::errc() || number.ptr != name.data() + name.size() || descriptor < 0) return {};
  std::error_code error;
  if (!fs::equivalent(directory_of(path), "/proc/self/fd", error) || error) return {};
  return descriptor;
}

}  // namespace

WriteTarget find_write_target(const fs::path& path) {
  WriteTarget target;
  target.path = path;
  struct stat status {};
  for (int links = 0;; ++links) {
    if (::lstat(target.path.c_str(), &status) != 0) {
      if (errno == ENOENT) return target;
      fail(errno);
    }
    if (!S_ISLNK(status.st_mode)) break;
    if (links == kMostLinks) fail(ELOOP);
    target.own_descriptor = descriptor_named_by(target.path);
    if (target.own_descriptor) {
      target.kind = WriteTarget::Kind::kSpecial;
      return target;
    }
    std::error_code error;
    const fs::path next = fs::read_symlink(target.path, error);
    if (error) fail(error.value());
    target.path = next.is_absolute() ? next : directory_of(target.path) / next;
  }
  if (S_ISDIR(status.st_mode)) fail(EISDIR);
  if (S_ISREG(status.st_mode)) {
    target.existing = FileOwnership{status.st_uid, status.st_gid, status.st_mode & 0777};
  } else {
    target.kind = WriteTarget::Kind::kSpecial;
  }
  return target;
}

}  // namespace genkidama
