#pragma once

#include <unistd.h>

#include <cerrno>

#include "core/file_calls.h"

namespace genkidama::test {

/// Lets the Nth call that writing files makes go wrong, and puts the real ones back at the end of its life.
class FailingCalls {
 public:
  static constexpr int kDie = -1;

  /// `error`: what the call fails with, or kDie for the end of the process in its place. 0 for `at`: none.
  FailingCalls(int at, int error) : kept_(genkidama::file_calls()) {
    count() = 0;
    place() = at;
    reason() = error;
    real() = kept_;
    genkidama::file_calls() = {
        [](const char* path, int flags, mode_t mode) {
          return fails() ? -1 : real().open(path, flags, mode);
        },
        // A disk fills up in the middle of a write: half of it is taken before the error.
        [](int fd, const void* bytes, std::size_t size) -> ssize_t {
          if (fails()) return -1;
          return real().write(fd, bytes, size > 1 ? size / 2 : size);
        },
        [](int fd) { return fails() ? -1 : real().fsync(fd); },
        [](int fd) {
          const bool failed = fails();
          const int result = real().close(fd);  // it is closed all the same
          if (failed) errno = reason();
          return failed ? -1 : result;
        },
        [](const char* from, const char* to) { return fails() ? -1 : real().link(from, to); },
        [](const char* from, const char* to) { return fails() ? -1 : real().rename(from, to); },
        [](const char* path) { return real().unlink(path); }};
  }
  ~FailingCalls() { genkidama::file_calls() = kept_; }
  FailingCalls(const FailingCalls&) = delete;
  FailingCalls& operator=(const FailingCalls&) = delete;

  /// Calls so far, unlink() left out.
  int calls() const { return count(); }

 private:
  static bool fails() {
    if (++count() != place()) return false;
    if (reason() == kDie) ::_exit(0);
    errno = reason();
    return true;
  }
  static int& count() {
    static int value = 0;
    return value;
  }
  static int& place() {
    static int value = 0;
    return value;
  }
  static int& reason() {
    static int value = 0;
    return value;
  }
  static genkidama::FileCalls& real() {
    static genkidama::FileCalls calls{};
    return calls;
  }

  genkidama::FileCalls kept_;
};

}  // namespace genkidama::test
