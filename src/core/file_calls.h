#pragma once

// What write_file_atomically() asks of the operating system. Tests put calls in that fail or end the process,
// to see what any of them leaves behind; nothing else changes them.

#include <sys/types.h>

#include <cstddef>

namespace genkidama {

struct FileCalls {
  int (*open)(const char* path, int flags, mode_t mode);
  ssize_t (*write)(int fd, const void* bytes, std::size_t count);
  int (*fsync)(int fd);
  int (*close)(int fd);
  int (*link)(const char* from, const char* to);
  int (*rename)(const char* from, const char* to);
  int (*unlink)(const char* path);
};

/// Those in use. Not synchronised: changed only while no file is being written.
FileCalls& file_calls();

}  // namespace genkidama
