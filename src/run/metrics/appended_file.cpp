#include "run/metrics/appended_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/write_advice.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"

namespace genkidama::run {

AppendedFile::AppendedFile(std::filesystem::path path, off_t end) : path_(std::move(path)), end_(end) {
  file_ = open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (file_ >= 0) return;
  const int error = errno;
  throw IoError(
      fmt::format("cannot open {}: {}; {}", path_.string(), std::strerror(error), write_advice(error)));
}

AppendedFile::~AppendedFile() {
  close(file_);
}

bool AppendedFile::append(std::string_view piece) {
  if (const int error = write_piece(piece); error != 0) {
    log_failure(error);
    return false;
  }
  end_ += static_cast<off_t>(piece.size());
  return true;
}

int AppendedFile::write_piece(std::string_view piece) {
  // What an earlier failure left of a piece, if it could not be taken away then.
  if (lseek(file_, 0, SEEK_END) != end_ && ftruncate(file_, end_) != 0) return errno;
  const ssize_t written = write(file_, piece.data(), piece.size());
  if (written == static_cast<ssize_t>(piece.size())) return 0;
  const int error = written < 0 ? errno : ENOSPC;
  if (written > 0 && ftruncate(file_, end_) != 0) {
    // The half piece stays until the next one, or a resumed run drops it.
  }
  return error;
}

void AppendedFile::sync() {
  // A pipe or a special file has nothing to sync.
  if (fdatasync(file_) != 0 && errno != EINVAL) log_failure(errno);
}

void AppendedFile::log_failure(int error) {
  if (!failure_logged_) {
    log(LogLevel::kError,
        "cannot write to {}: {}; the run goes on without these rows and tries again with each; {}",
        path_.string(), std::strerror(error), write_advice(error));
  }
  failure_logged_ = true;
}

}  // namespace genkidama::run
