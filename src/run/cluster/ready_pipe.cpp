#include "run/cluster/ready_pipe.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>
#include <utility>

#include "genkidama/core/error.h"
#include "run/process/spawned_process.h"

namespace genkidama::run {

std::optional<int> read_number(int descriptor, const std::function<bool()>& give_up) {
  std::string text;
  while (text.empty() || text.back() != '\n') {
    if (give_up()) return {};
    pollfd waiting{descriptor, POLLIN, 0};
    if (poll(&waiting, 1, static_cast<int>(kLookInterval.count())) <= 0) continue;
    std::array<char, 16> bytes{};
    const ssize_t count = read(descriptor, bytes.data(), bytes.size());
    if (count <= 0) return {};
    text.append(bytes.data(), static_cast<std::size_t>(count));
  }
  int number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number >= 0 ? std::optional<int>(number) : std::nullopt;
}

void tell_port(int member_end, std::span<const std::uint16_t> ports) {
  const std::string text = fmt::format("{}\n", ports.empty() ? 0 : ports.front());
  if (send(member_end, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size())) return;
  throw IoError(fmt::format("the port could not be told to the process that started this one: {}",
                            std::strerror(errno)));
}

ReadyPipe::ReadyPipe(std::string member) : member_(std::move(member)) {
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()) != 0)
    throw IoError(fmt::format("no pipe for {}: {}", member_, std::strerror(errno)));
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
  const auto port = read_number(ends_[0], [&] {
    if (give_up()) return true;
    if (!deadline.passed()) return false;
    throw IoError(fmt::format("{} did not start within {:.0f} seconds", member_,
                              static_cast<double>(timeout.count()) / 1000));
  });
  return port && *port > 0 ? port : std::nullopt;
}

void ReadyPipe::tell(std::string_view text) const {
  // One that has closed its end is told nothing.
  static_cast<void>(send(ends_[0], text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

}  // namespace genkidama::run
