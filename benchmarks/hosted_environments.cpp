// What it costs to step environments on another machine.
//
//   hosted_environments [SECONDS]
//
// Plays LunarLander with random actions for SECONDS (5) in each of these ways, and prints steps per second
// and bytes per step: in this process, on a host over loopback, and on a host behind a link that takes 20 ms
// each way; with 1 and with 64 environments. The host is a process of its own. One thread steps all
// environments as a worker does: it tells all actions before it waits for the first step, and goes on with
// the others while an episode begins.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/core/log.h"
#include "genkidama/core/random.h"
#include "genkidama/env/lunar_lander.h"
#include "genkidama/net/environments.h"
#include "support/child_process.h"

namespace {

using namespace genkidama;

constexpr Milliseconds kOneWay{20};

sockaddr_in loopback_address(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A socket that listens at a free port, and the port.
int listen_somewhere(std::uint16_t& port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address = loopback_address(0);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener, 4) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("cannot listen");
  port = ntohs(address.sin_port);
  return listener;
}

std::uint16_t free_port() {
  std::uint16_t port = 0;
  ::close(listen_somewhere(port));
  return port;
}

/// Forwards what comes from one socket to another one, each part after a delay.
void forward(int from, int to, Milliseconds delay) {
  struct Part {
    Clock::time_point due;
    std::vector<char> bytes;
  };
  std::deque<Part> parts;
  bool is_open = true;
  while (is_open || !parts.empty()) {
    int timeout = -1;
    if (!parts.empty()) {
      const auto left = std::chrono::ceil<Milliseconds>(parts.front().due - Clock::now()).count();
      timeout = left > 0 ? static_cast<int>(left) : 0;
    }
    pollfd waiting{from, POLLIN, 0};
    ::poll(&waiting, is_open ? 1 : 0, timeout);
    if (is_open && waiting.revents != 0) {
      Part part{Clock::now() + delay, std::vector<char>(1 << 16)};
      const auto count = ::recv(from, part.bytes.data(), part.bytes.size(), 0);
      is_open = count > 0;
      if (is_open) {
        part.bytes.resize(static_cast<std::size_t>(count));
        parts.push_back(std::move(part));
      }
    }
    while (!parts.empty() && parts.front().due <= Clock::now()) {
      const auto& bytes = parts.front().bytes;
      for (std::size_t sent = 0; sent < bytes.size();) {
        const auto count = ::send(to, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) return;
        sent += static_cast<std::size_t>(count);
      }
      parts.pop_front();
    }
  }
  ::shutdown(to, SHUT_WR);
}

/// One connection through a slow link.
void relay(int listener, std::uint16_t target, Milliseconds delay) {
  const int near = ::accept(listener, nullptr, nullptr);
  const int far = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback_address(target);
  if (near < 0 || ::connect(far, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
  const int yes = 1;
  for (const int each : {near, far}) ::setsockopt(each, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  std::thread back([&] { forward(far, near, delay); });
  forward(near, far, delay);
  back.join();
  ::close(near);
  ::close(far);
}

/// Steps a second.
double play(std::vector<std::unique_ptr<Environment>>& environments, double seconds) {
  struct Slot {
    std::uint64_t seed = 0;
    bool is_playing = false;
    float action = 0;
  };
  std::vector<Slot> slots(environments.size());
  Random random(1);
  std::uint64_t seed = 0, steps = 0;
  const auto begin = [&](std::size_t i) {
    slots[i] = {++seed, false, 0};
    environments[i]->prepare_reset(seed);
  };
  for (std::size_t i = 0; i < slots.size(); ++i) begin(i);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    environments[i]->reset(slots[i].seed);
    slots[i].is_playing = true;
  }
  const auto start = Clock::now();
  while (seconds_since(start) < seconds) {
    bool is_anybody_playing = false;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      Slot& slot = slots[i];
      if (!slot.is_playing &&
          (environments[i]->is_ready() || (i + 1 == slots.size() && !is_anybody_playing))) {
        environments[i]->reset(slot.seed);
        slot.is_playing = true;
      }
      if (!slot.is_playing) continue;
      is_anybody_playing = true;
      slot.action = static_cast<float>(random.below(4));
      environments[i]->prepare_step(Action(&slot.action, 1));
    }
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (!slots[i].is_playing) continue;
      const StepResult result = environments[i]->step(Action(&slots[i].action, 1));
      ++steps;
      if (result.terminated || result.truncated) begin(i);
    }
  }
  return static_cast<double>(steps) / seconds_since(start);
}

double play_local(int count, double seconds) {
  std::vector<std::unique_ptr<Environment>> environments;
  for (int i = 0; i < count; ++i) environments.push_back(make_lunar_lander());
  const double rate = play(environments, seconds);
  fmt::print("local,     {:3} environments: {:9.0f} steps/s\n", count, rate);
  return rate;
}

double play_hosted(int count, double seconds, Milliseconds delay) {
  std::uint16_t relay_port = 0;
  const std::uint16_t port = free_port();
  const int listener = listen_somewhere(relay_port);
  // Before there is any thread.
  test::ChildProcess host([&] {
    set_log_level(LogLevel::kError);
    EnvironmentHostOptions options;
    options.connect = {"127.0.0.1", delay.count() > 0 ? relay_port : port};
    options.environments = count;
    options.backoff_min = options.backoff_max = Milliseconds(20);
    EnvironmentHost(options, EnvironmentFactory([] { return make_lunar_lander(); })).run();
    return 0;
  });
  double rate = 0;
  std::optional<std::thread> link;
  {
    HostedEnvironmentsOptions options;
    options.listen = {{"127.0.0.1", port}};
    options.environments_per_worker = count;
    HostedEnvironments hosted(options, make_lunar_lander()->spec());
    std::vector<std::unique_ptr<Environment>> environments;
    for (int i = 0; i < count; ++i) {
      EnvironmentContext context;
      context.index = i;
      environments.push_back(hosted.factory()(context));
    }
    hosted.start();
    if (delay.count() > 0) link.emplace([&] { relay(listener, port, delay); });
    rate = play(environments, seconds);
    const HostedEnvironmentsStatus status = hosted.status();
    fmt::print(
        "{:2} ms away, {:3} environments: {:9.0f} steps/s, {:.1f} bytes a step there and {:.1f} back, {:.1f} "
        "answers in a frame\n",
        delay.count(), count, rate,
        static_cast<double>(status.bytes_sent) / static_cast<double>(status.steps),
        static_cast<double>(status.bytes_received) / static_cast<double>(status.steps),
        static_cast<double>(status.steps + status.resets) / static_cast<double>(status.frames));
  }
  host.wait();
  if (link) link->join();
  ::close(listener);
  return rate;
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 5;
  if (!(seconds > 0)) {
    fmt::print(stderr, "usage: hosted_environments [SECONDS]\n");
    return 2;
  }
  set_log_level(LogLevel::kError);
  for (const int count : {1, 64}) play_local(count, seconds);
  for (const int count : {1, 64}) play_hosted(count, seconds, Milliseconds(0));
  const double one = play_hosted(1, seconds, kOneWay), many = play_hosted(64, seconds, kOneWay);
  fmt::print("64 environments behind the slow link are {:.1f} times as fast as one\n", many / one);
  return 0;
}
