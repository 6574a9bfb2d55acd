// Many Children on one Parent: do they all get their answers, how fast, and what does it cost the Parent?
//
//   many_children [--connections 1,10,100,1000,2000] [--seconds 10] [--parameters 2949]
//
// The Parent runs in a process of its own on the first core; all Children are connections of one thread on
// the second. Each exchanges once a second, evenly spread over the second. An exchange is timed from the
// moment it was due to its last byte, so a Parent that falls behind cannot slow the clock. One second of
// warming up is left out. Prints one JSON object a line:
//
//   expected, done           exchanges in the time measured; one that is due while the last is under way is
//   not done p50_ms, p99_ms, max_ms   of the exchanges parent_cores             processor time of the Parent
//   over time: 1 is a whole core bytes_per_child          growth of the Parent's resident memory over that
//   without Children, over Children
//
// The Children are lean: they mask with zeros and check no more of an answer than its sequence, so that one
// core can play thousands. The Parent cannot tell.

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/core/error.h"
#include "support/arguments.h"
#include "support/flat_network.h"
#include "support/parent_process.h"
#include "support/raw_peer.h"
#include "support/samples.h"

namespace genkidama::benchmarks {
namespace {

constexpr int kParentCore = 0;
constexpr int kChildrenCore = 1;
constexpr double kWarmUp_s = 1;
constexpr double kGrace_s = 3;  // for the last answers
constexpr std::size_t kSequenceAt = 16;

/// One Child after its handshake. Nothing here blocks.
class LeanChild {
 public:
  LeanChild(std::uint16_t port, const ParameterLayout& layout) : peer_(port) {
    session_ = peer_.join(layout).session;
    const int yes = 1;
    ::setsockopt(peer_.socket(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }

  int socket() const { return peer_.socket(); }
  bool busy() const { return busy_; }
  double due() const { return due_; }

  void begin(double due, std::span<const float> weights, std::vector<std::byte>& scratch) {
    busy_ = true;
    due_ = due;
    FrameHeader header;
    header.session = session_;
    header.sequence = ++sequence_;
    encode_frame(header, weights, scratch);
    append(2, scratch);
    flush();
  }

  /// Whether bytes wait to be sent.
  bool wants_to_write() const { return !out_.empty(); }
  void flush() {
    while (!out_.empty()) {
      const ssize_t sent = ::send(socket(), out_.data(), out_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && errno == EAGAIN) return;
      if (sent <= 0) throw IoError("a Child's connection was lost while it sent");
      out_.erase(0, static_cast<std::size_t>(sent));
    }
  }

  /// Reads what is there; whether that ended the exchange.
  bool receive(std::vector<char>& scratch) {
    bool ended = false;
    while (true) {
      const ssize_t got = ::recv(socket(), scratch.data(), scratch.size(), MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) return ended;
      if (got <= 0) throw IoError("the Parent closed a Child's connection");
      in_.append(scratch.data(), static_cast<std::size_t>(got));
      while (take_message()) ended = ended || !busy_;
    }
  }

 private:
  void append(int opcode, std::span<const std::byte> payload) {
    // A mask of zeros leaves the payload as it is.
    out_ += test::masked_frame_start(opcode, payload.size(), std::string_view("\0\0\0\0", 4));
    out_.append(reinterpret_cast<const char*>(payload.data()), payload.size());
  }

  /// The first whole message received, if there is one.
  bool take_message() {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(in_[i]); };
    if (in_.size() < 2) return false;
    std::size_t length = byte(1) & 0x7f, at = 2;
    if (length >= 126) {
      at += length == 126 ? 2 : 8;
      if (in_.size() < at) return false;
      length = 0;
      for (std::size_t i = 2; i < at; ++i) length = length << 8 | byte(i);
    }
    if (in_.size() < at + length) return false;
    understand(byte(0) & 0x0f, std::string_view(in_).substr(at, length));
    in_.erase(0, at + length);
    return true;
  }

  void understand(int opcode, std::string_view payload) {
    if (opcode == 9) {
      append(10, std::as_bytes(std::span(payload)));
      flush();
    } else if (opcode == 2) {
      std::uint64_t sequence = 0;
      if (payload.size() >= kFrameHeaderBytes)
        std::memcpy(&sequence, payload.data() + kSequenceAt, sizeof sequence);
      if (sequence != sequence_) throw IoError("an answer to another exchange");
      busy_ = false;
    } else if (opcode != 10) {
      throw IoError("the Parent sent no weights but: " + std::string(payload.substr(0, 200)));
    }
  }

  test::RawPeer peer_;
  std::uint64_t session_ = 0;
  std::uint64_t sequence_ = 0;
  bool busy_ = false;
  double due_ = 0;
  std::string out_;
  std::string in_;
};

double resident_bytes(pid_t pid) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmRSS:", 0) == 0) return 1024 * std::stod(line.substr(6));
  }
  throw IoError("the Parent's process is gone");
}

double processor_seconds_of(pid_t pid) {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &used) != 0) {
    throw IoError("the Parent's process is gone");
  }
  return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
}

/// All Children and the clock by which they exchange.
class Crowd {
 public:
  Crowd(std::uint16_t port, std::size_t count, std::size_t parameters)
      : epoll_(::epoll_create1(EPOLL_CLOEXEC)), weights_(random_floats(parameters, 0.1, 2)), input_(1 << 18) {
    const auto layout = flat_layout(parameters);
    for (std::size_t i = 0; i < count; ++i) {
      children_.push_back(std::make_unique<LeanChild>(port, layout));
      listen_to(i, EPOLL_CTL_ADD);
    }
  }
  ~Crowd() { ::close(epoll_); }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  /// Exchanges for so long, and keeps the times of those that were due in it.
  void play(double seconds) {
    times.clear();
    expected = static_cast<std::uint64_t>(seconds * static_cast<double>(children_.size()));
    const double interval = 1 / static_cast<double>(children_.size());
    const auto start = Clock::now();
    std::uint64_t next = 0;
    std::uint64_t under_way = 0;
    while (next < expected || under_way > 0) {
      double now = seconds_since(start);
      if (now > seconds + kGrace_s) break;
      for (; next < expected && static_cast<double>(next) * interval <= now; now = seconds_since(start)) {
        const std::size_t index = next % children_.size();
        if (!children_[index]->busy()) {
          children_[index]->begin(static_cast<double>(next) * interval, weights_, frame_);
          if (children_[index]->wants_to_write()) listen_to(index, EPOLL_CTL_MOD);
          ++under_way;
        }
        ++next;
      }
      const double due = next < expected ? static_cast<double>(next) * interval : seconds + kGrace_s;
      under_way -= wait(std::max(0.0, due - now), start);
    }
  }

  std::vector<double> times;
  std::uint64_t expected = 0;

 private:
  void listen_to(std::size_t index, int operation) {
    epoll_event event{};
    event.events = EPOLLIN | (children_[index]->wants_to_write() ? EPOLLOUT : 0u);
    event.data.u64 = index;
    ::epoll_ctl(epoll_, operation, children_[index]->socket(), &event);
  }

  /// Handles what happens until `seconds` have passed or something did; returns how many exchanges ended.
  std::uint64_t wait(double seconds, Clock::time_point start) {
    std::array<epoll_event, 256> events{};
    const auto whole = static_cast<time_t>(seconds);
    const timespec timeout{whole, static_cast<long>(1e9 * (seconds - static_cast<double>(whole)))};
    const int count =
        ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
    std::uint64_t ended = 0;
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      const std::size_t index = event.data.u64;
      LeanChild& child = *children_[index];
      if (event.events & EPOLLOUT) {
        child.flush();
        if (!child.wants_to_write()) listen_to(index, EPOLL_CTL_MOD);
      }
      if ((event.events & ~EPOLLOUT) != 0 && child.receive(input_)) {
        times.push_back(seconds_since(start) - child.due());
        ++ended;
      }
    }
    return ended;
  }

  int epoll_;
  std::vector<float> weights_;
  std::vector<char> input_;
  std::vector<std::byte> frame_;
  std::vector<std::unique_ptr<LeanChild>> children_;
};

nlohmann::ordered_json measure(std::size_t connections, double seconds, std::size_t parameters) {
  ParentSetup setup;
  setup.parameters = parameters;
  setup.core = kParentCore;
  setup.max_connections = connections + 16;
  const ParentProcess parent(setup);
  const double alone = resident_bytes(parent.pid());
  Crowd crowd(parent.port(), connections, parameters);
  crowd.play(kWarmUp_s);
  const double used = processor_seconds_of(parent.pid());
  const auto start = Clock::now();
  crowd.play(seconds);
  const double cores = (processor_seconds_of(parent.pid()) - used) / seconds_since(start);
  const double grown = resident_bytes(parent.pid()) - alone;
  return {{"connections", connections},
          {"parameters", parameters},
          {"seconds", seconds},
          {"expected", crowd.expected},
          {"done", crowd.times.size()},
          {"p50_ms", 1e3 * percentile(crowd.times, 0.5)},
          {"p99_ms", 1e3 * percentile(crowd.times, 0.99)},
          {"max_ms", 1e3 * percentile(crowd.times, 1)},
          {"parent_cores", cores},
          {"parent_resident_bytes_alone", alone},
          {"bytes_per_child", grown / static_cast<double>(connections)}};
}

/// The Parent's process inherits it.
void raise_descriptor_limit(std::size_t needed) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= needed) return;
  limit.rlim_cur = needed;
  limit.rlim_max = std::max<rlim_t>(limit.rlim_max, needed);
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    throw ArgumentError(fmt::format(
        "{} open files are not allowed here; raise 'ulimit -n' or take fewer connections", needed));
  }
}

int print_measured(std::size_t connections, const Arguments& arguments) {
  try {
    const auto result = measure(connections, arguments.number("--seconds"),
                                static_cast<std::size_t>(arguments.number("--parameters")));
    fmt::print("{}\n", result.dump());
    std::fflush(stdout);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "many_children: {}\n", error.what());
    return 1;
  }
}

int run(int argc, char** argv) {
  const Arguments arguments(
      argc, argv, {{"--connections", "1,10,100,1000,2000"}, {"--seconds", "10"}, {"--parameters", "2949"}});
  const auto counts = arguments.integers("--connections");
  raise_descriptor_limit(static_cast<std::size_t>(*std::max_element(counts.begin(), counts.end())) + 64);
  stay_on_core(kChildrenCore);
  for (const int count : counts) {
    // A process for each, so that no Parent begins with the memory that the Children before it left behind.
    test::ChildProcess process([&] { return print_measured(static_cast<std::size_t>(count), arguments); });
    if (const std::string end = process.wait(); end != "exit 0") {
      throw IoError(fmt::format("with {} connections it failed: {}", count, end));
    }
  }
  return 0;
}

}  // namespace
}  // namespace genkidama::benchmarks

int main(int argc, char** argv) {
  using namespace genkidama::benchmarks;
  return exit_code_of("many_children", [&] { return run(argc, argv); });
}
