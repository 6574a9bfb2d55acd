#include "genkidama/core/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string>
#include <system_error>
#include <utility>

#include "core/failpoint.h"
#include "core/file_calls.h"
#include "core/write_advice.h"
#include "core/write_target.h"
#include "genkidama/core/error.h"

namespace genkidama {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTemporaryPrefix = ".genkidama-";
constexpr const char* kTemporarySuffix = ".tmp";

[[noreturn]] void fail(const fs::path& path, int error) {
  throw IoError(fmt::format("cannot write '{}': {}; an older file of that name is unchanged; {}",
                            path.string(), std::generic_category().message(error), write_advice(error)));
}

fs::path temporary_name(const fs::path& target) {
  static std::atomic<std::uint64_t> counter{0};
  return target.parent_path() /
         fmt::format("{}{}-{}{}", kTemporaryPrefix, ::getpid(), counter.fetch_add(1), kTemporarySuffix);
}

/// 0, or why not all of it was written.
int write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = file_calls().write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    // A device that takes nothing and names no error would be asked for ever.
    if (written == 0) return EIO;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

/// Gives a new file the owner and the permissions of the one that it replaces, as far as this process may.
void take_over(int fd, const FileOwnership& replaced) {
  struct stat made {};
  if (::fstat(fd, &made) != 0) return;
  mode_t mode = replaced.mode;
  const bool same_user = made.st_uid == replaced.user;
  if (!same_user && ::geteuid() == 0) {
    if (::fchown(fd, replaced.user, replaced.group) == 0) made.st_gid = replaced.group;
  }
  if (made.st_gid != replaced.group && ::fchown(fd, static_cast<uid_t>(-1), replaced.group) != 0) {
    // Another group must not get the rights that were meant for the old one.
    mode = (mode & 0707) | ((mode & 0007) << 3);
  }
  // A file system without permissions refuses, and nothing is lost.
  static_cast<void>(::fchmod(fd, mode));
}

/// A new file that is removed again unless it was renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(const WriteTarget& target) : target_(target.path) {
    // Less than the final mode at first: nobody may open the file who may not open the one it replaces.
    const mode_t mode = target.existing ? target.existing->mode & 0666 : 0666;
    // A process with the same number may have been killed here before; its leftovers are skipped.
    constexpr int kAttempts = 1000;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      name_ = temporary_name(target_);
      fd_ = file_calls().open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
      if (fd_ >= 0) break;
      if (errno != EEXIST && errno != EINTR) break;
    }
    if (fd_ < 0) fail(target_, errno);
    if (target.existing) take_over(fd_, *target.existing);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (fd_ >= 0) file_calls().close(fd_);
    if (!renamed_) file_calls().unlink(name_.c_str());
  }

  void write(std::span<const std::byte> bytes) {
    if (const int error = write_all(fd_, bytes); error != 0) fail(target_, error);
  }

  void sync() {
    // Before the rename: otherwise a power cut could leave the new name with no data.
    if (file_calls().fsync(fd_) != 0) fail(target_, errno);
    // Network file systems report a failed write as late as here.
    if (file_calls().close(std::exchange(fd_, -1)) != 0) fail(target_, errno);
    GENKIDAMA_FAILPOINT("file_synced");
  }

  void rename_to_target() {
    if (file_calls().rename(name_.c_str(), target_.c_str()) != 0) fail(target_, errno);
    renamed_ = true;
  }

 private:
  fs::path target_;
  fs::path name_;
  int fd_ = -1;
  bool renamed_ = false;
};

/// Gives the file at `path`, if there is one, the name `previous` as well.
void keep(const fs::path& path, const fs::path& previous) {
  const fs::path second = temporary_name(previous);
  if (file_calls().link(path.c_str(), second.c_str()) == 0) {
    const int error = file_calls().rename(second.c_str(), previous.c_str()) == 0 ? 0 : errno;
    // When both are the same file already, rename() does nothing and says that all is well.
    file_calls().unlink(second.c_str());
    if (error != 0) fail(path, error);
    return;
  }
  if (errno == ENOENT) return;
  // File systems and security modules refuse links with many different errors. For a moment only the previous
  // name will be there.
  if (file_calls().rename(path.c_str(), previous.c_str()) == 0) return;
  if (errno != EXDEV) fail(path, errno);
  // A symbolic link has led to another file system.
  std::error_code error;
  fs::copy_file(path, second, error);
  if (!error && file_calls().rename(second.c_str(), previous.c_str()) == 0) return;
  const int reason = error ? error.value() : errno;
  file_calls().unlink(second.c_str());
  fail(path, reason);
}

/// Makes the rename itself durable.
void sync_directory(const fs::path& path, const fs::path& directory) {
  const int fd = file_calls().open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  // One may write in a directory that one may not read; some file systems cannot sync one. The file is there.
  if (fd < 0) return;
  const int error = file_calls().fsync(fd) == 0 ? 0 : errno;
  file_calls().close(fd);
  if (error != 0 && error != EINVAL && error != ENOTSUP && error != EROFS) {
    throw IoError(
        fmt::format("'{}' was written, but its directory could not be synced: {}; it may be lost in a "
                    "power cut",
                    path.string(), std::generic_category().message(error)));
  }
}

using Parts = std::span<const std::span<const std::byte>>;

/// For devices and FIFOs, which a rename would replace by a regular file.
void write_in_place(const fs::path& path, const WriteTarget& target, Parts parts) {
  const int fd = target.own_descriptor
                     ? ::fcntl(*target.own_descriptor, F_DUPFD_CLOEXEC, 0)
                     : file_calls().open(target.path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC, 0);
  int error = fd < 0 ? errno : 0;
  for (const auto& part : parts) {
    if (error == 0) error = write_all(fd, part);
  }
  if (fd >= 0 && file_calls().close(fd) != 0 && error == 0) error = errno;
  if (error == 0) return;
  throw IoError(fmt::format("cannot write '{}', which is no regular file: {}", path.string(),
                            std::generic_category().message(error)));
}

WriteTarget target_of(const fs::path& path) {
  if (!path.has_filename()) fail(path, EISDIR);
  try {
    return find_write_target(path);
  } catch (const std::system_error& error) {
    fail(path, error.code().value());
  }
}

void write_parts(const fs::path& path, const fs::path* previous, Parts parts) {
  const WriteTarget target = target_of(path);
  if (target.kind == WriteTarget::Kind::kSpecial) {
    write_in_place(path, target, parts);
    return;
  }
  // Before anything is written: once the file is renamed nothing may fail for want of memory.
  const fs::path directory = target.path.has_parent_path() ? target.path.parent_path() : fs::path(".");
  TemporaryFile file(target);
  GENKIDAMA_FAILPOINT("file_opened");
  for (const auto& part : parts) {
    file.write(part);
    GENKIDAMA_FAILPOINT("file_part_written");
  }
  file.sync();
  if (previous != nullptr) keep(target.path, *previous);
  file.rename_to_target();
  GENKIDAMA_FAILPOINT("file_renamed");
  sync_directory(target.path, directory);
}

}  // namespace

FileCalls& file_calls() {
  static FileCalls calls{
      [](const char* path, int flags, mode_t mode) { return ::open(path, flags, mode); },
      [](int fd, const void* bytes, std::size_t count) { return ::write(fd, bytes, count); },
      [](int fd) { return ::fsync(fd); },
      [](int fd) { return ::close(fd); },
      [](const char* from, const char* to) { return ::link(from, to); },
      [](const char* from, const char* to) { return std::rename(from, to); },
      [](const char* path) { return ::unlink(path); }};
  return calls;
}

void write_file_atomically(const fs::path& path, std::span<const std::span<const std::byte>> parts) {
  write_parts(path, nullptr, parts);
}

void write_file_keeping_previous(const fs::path& path, const fs::path& previous,
                                 std::span<const std::span<const std::byte>> parts) {
  write_parts(path, &previous, parts);
}

void write_file_atomically(const fs::path& path, std::span<const std::byte> bytes) {
  write_file_atomically(path, std::array{bytes});
}

void write_file_atomically(const fs::path& path, std::string_view text) {
  write_file_atomically(path, std::as_bytes(std::span(text)));
}

void remove_leftovers(const fs::path& directory) noexcept {
  try {
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
         entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      std::error_code ignored;
      if (name.rfind(kTemporaryPrefix, 0) == 0 && entry->path().extension() == kTemporarySuffix) {
        fs::remove(entry->path(), ignored);
      }
    }
  } catch (const std::exception&) {
    // Out of memory: they stay for the next time.
  }
}

}  // namespace genkidama
