#include "cli/sweep/ask_channel.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "genkidama/core/error.h"

namespace genkidama::cli {
namespace {

constexpr int kFirstFree = 3;

int kept_copy(int descriptor) {
  const int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, kFirstFree);
  if (copy >= 0) return copy;
  throw IoError(fmt::format("--search ask: cannot use descriptor {}: {}", descriptor, std::strerror(errno)));
}

}  // namespace

AskChannel::AskChannel() : kept_{kept_copy(STDIN_FILENO), kept_copy(STDOUT_FILENO)} {
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing >= 0) {
    dup2(nothing, STDIN_FILENO);
    close(nothing);
  }
  dup2(STDERR_FILENO, STDOUT_FILENO);
}

AskChannel::~AskChannel() {
  dup2(kept_[0], STDIN_FILENO);
  dup2(kept_[1], STDOUT_FILENO);
  for (const int descriptor : kept_) close(descriptor);
}

}  // namespace genkidama::cli
