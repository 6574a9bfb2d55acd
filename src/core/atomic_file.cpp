#include "genkidama/core/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

#include "genkidama/core/error.h"

namespace genkidama {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, int error) {
  throw IoError(fmt::format("cannot write '{}': {}; an older file of that name is unchanged", path.string(),
                            std::generic_category().message(error)));
}

/// A new file that is removed again unless it was renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& target) : target_(target) {
    // A process with the same number may have been killed here before; its leftovers are skipped.
    constexpr int kAttempts = 1000;
    static std::atomic<std::uint64_t> counter{0};
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      name_ = target.parent_path() / fmt::format(".genkidama-{}-{}.tmp", ::getpid(), counter.fetch_add(1));
      fd_ = ::open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
      if (fd_ >= 0) return;
      if (errno != EEXIST && errno != EINTR) break;
    }
    fail(target_, errno);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (fd_ >= 0) ::close(fd_);
    if (!renamed_) ::unlink(name_.c_str());
  }

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail(target_, errno);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }

  void rename_to_target() {
    // Before the rename: otherwise a power cut could leave the new name with no data.
    if (::fsync(fd_) != 0) fail(target_, errno);
    // Network file systems report a failed write as late as here.
    if (::close(std::exchange(fd_, -1)) != 0) fail(target_, errno);
    if (::rename(name_.c_str(), target_.c_str()) != 0) fail(target_, errno);
    renamed_ = true;
  }

 private:
  fs::path target_;
  fs::path name_;
  int fd_ = -1;
  bool renamed_ = false;
};

/// Makes the rename itself durable.
void sync_directory(const fs::path& path) {
  const fs::path directory = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // One may write in a directory that one may not read; some file systems cannot sync one. The file is there.
  if (fd < 0) return;
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (error != 0 && error != EINVAL && error != ENOTSUP && error != EROFS) {
    throw IoError(
        fmt::format("'{}' was written, but its directory could not be synced: {}; it may be lost in a "
                    "power cut",
                    path.string(), std::generic_category().message(error)));
  }
}

}  // namespace

void write_file_atomically(const fs::path& path, std::span<const std::span<const std::byte>> parts) {
  if (!path.has_filename()) fail(path, EISDIR);
  TemporaryFile file(path);
  for (const auto& part : parts) file.write(part);
  file.rename_to_target();
  sync_directory(path);
}

void write_file_atomically(const fs::path& path, std::span<const std::byte> bytes) {
  write_file_atomically(path, std::array{bytes});
}

void write_file_atomically(const fs::path& path, std::string_view text) {
  write_file_atomically(path, std::as_bytes(std::span(text)));
}

}  // namespace genkidama
