#include "support/relay.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace genkidama::test {
namespace {

sockaddr_in loopback_address(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

Relay::Relay(std::uint16_t target) : target_(target) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback_address(0);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      ::pipe2(wake_, O_CLOEXEC) != 0) {
    throw std::runtime_error("relay: cannot listen");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

Relay::~Relay() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    if (::write(wake_[1], "x", 1) != 1) std::terminate();
  }
  thread_.join();
  close_all();
  ::close(listener_);
  ::close(wake_[0]);
  ::close(wake_[1]);
}

void Relay::cut(std::uint16_t target) {
  const std::lock_guard lock(mutex_);
  target_ = target;
  frozen_ = muted_ = false;
  close_all();
  if (::write(wake_[1], "x", 1) != 1) std::terminate();
}

void Relay::freeze() {
  const std::lock_guard lock(mutex_);
  frozen_ = true;
  if (::write(wake_[1], "x", 1) != 1) std::terminate();
}

void Relay::mute() {
  const std::lock_guard lock(mutex_);
  muted_ = true;
  if (::write(wake_[1], "x", 1) != 1) std::terminate();
}

void Relay::damage(int links) {
  const std::lock_guard lock(mutex_);
  damaged_links_ = links;
}

void Relay::slow_down(std::size_t bytes_per_pause, Milliseconds pause) {
  const std::lock_guard lock(mutex_);
  bytes_per_pause_ = bytes_per_pause;
  pause_ = pause;
}

void Relay::close_all() {
  for (const Pair& pair : std::exchange(pairs_, {})) {
    ::close(pair.near);
    ::close(pair.far);
  }
}

void Relay::run() {
  for (;;) {
    std::vector<pollfd> ready;
    {
      const std::lock_guard lock(mutex_);
      if (stopped_) return;
      ready.push_back({wake_[0], POLLIN, 0});
      if (!frozen_) {
        ready.push_back({listener_, POLLIN, 0});
        for (const Pair& pair : pairs_) {
          ready.push_back({pair.near, POLLIN, 0});
          if (!muted_) ready.push_back({pair.far, POLLIN, 0});
        }
      }
    }
    ::poll(ready.data(), ready.size(), -1);
    const std::lock_guard lock(mutex_);
    if (ready[0].revents != 0) {
      // Something changed: what was polled may be closed by now.
      char byte;
      if (::read(wake_[0], &byte, 1) != 1) return;
      continue;
    }
    const auto readable = [&](int fd) {
      return std::any_of(ready.begin(), ready.end(),
                         [&](const pollfd& p) { return p.fd == fd && p.revents != 0; });
    };
    for (std::size_t i = 0; i < pairs_.size();) {
      Pair& pair = pairs_[i];
      const auto forward_near = [&] {
        const bool is_first_message = ++pair.chunks == 2;
        return forward(pair.near, pair.far, pair.damaged && is_first_message);
      };
      if ((readable(pair.near) && !forward_near()) ||
          (readable(pair.far) && !forward(pair.far, pair.near, false))) {
        ::close(pair.near);
        ::close(pair.far);
        pairs_.erase(pairs_.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        ++i;
      }
    }
    if (readable(listener_)) accept();
  }
}

void Relay::accept() {
  const int near = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (near < 0) return;
  const int far = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback_address(target_);
  if (target_ == 0 || ::connect(far, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(near);
    ::close(far);
    return;
  }
  const bool damaged = damaged_links_ > 0;
  if (damaged) --damaged_links_;
  pairs_.push_back({near, far, 0, damaged});
}

bool Relay::forward(int from, int to, bool damaged) {
  char chunk[16'384];
  const ssize_t got = ::recv(from, chunk, sizeof chunk, 0);
  if (damaged && got > 0) chunk[got - 1] = static_cast<char>(chunk[got - 1] ^ 1);
  if (got > 0 && bytes_per_pause_ > 0) {
    since_pause_ += static_cast<std::size_t>(got);
    if (since_pause_ >= bytes_per_pause_) {
      since_pause_ = 0;
      std::this_thread::sleep_for(pause_);
    }
  }
  return got > 0 && ::send(to, chunk, static_cast<std::size_t>(got), MSG_NOSIGNAL) == got;
}

}  // namespace genkidama::test
