#include "run/cluster/ready_pipe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>

#include "genkidama/core/error.h"
#include "run/process/spawned_process.h"

namespace genkidama::run {

ReadyPipe::ReadyPipe() {
  if (pipe2(ends_.data(), O_CLOEXEC) != 0) throw IoError(fmt::format("no pipe: {}", std::strerror(errno)));
}

ReadyPipe::~ReadyPipe() {
  close_end(0);
  close_end(1);
}

void ReadyPipe::close_end(std::size_t end) {
  if (ends_[end] >= 0) close(ends_[end]);
  ends_[end] = -1;
}

std::optional<int> ReadyPipe::read_port(Milliseconds timeout, const std::function<bool()>& give_up) {
  const Deadline deadline = Deadline::after(timeout);
  std::string text;
  while (text.empty() || text.back() != '\n') {
    if (give_up()) return {};
    if (deadline.passed()) {
      throw IoError(fmt::format("the Parent of the cluster did not start within {:.0f} seconds",
                                static_cast<double>(timeout.count()) / 1000));
    }
    pollfd waiting{ends_[0], POLLIN, 0};
    if (poll(&waiting, 1, static_cast<int>(kLookInterval.count())) <= 0) continue;
    std::array<char, 16> bytes{};
    const ssize_t count = read(ends_[0], bytes.data(), bytes.size());
    if (count <= 0) return {};
    text.append(bytes.data(), static_cast<std::size_t>(count));
  }
  int port = 0;
  std::from_chars(text.data(), text.data() + text.size(), port);
  return port > 0 ? std::optional<int>(port) : std::nullopt;
}

}  // namespace genkidama::run
