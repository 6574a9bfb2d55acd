// What several threads that merge are worth to a Parent (ParentOptions::merge_threads).
//
//   merge_threads [--weights 2949,100000,1000000,10000000] [--threads 1,2,4] [--children 8] [--seconds 2]
//                 [--turns 5]
//
// `sockets`: a Parent in a process of its own, and --children connections over the loopback interface, each a
// thread of this process, which sends weights, waits for the answer, checks its checksum, and begins anew.
// The Children are lean: they mask with zeros, and average nothing. `alone`: the same frames without any
// socket, in this process: each is checked, decoded, averaged, and its answer is encoded. That is what
// threads can speed up; the rest is the io thread's and the system's.
//
// All numbers of threads take turns. Prints a row for each measurement: how, weights, threads, turn, merges a
// second, the processor time of the Parent for a merge (`alone`: of this process), answers that were damaged,
// and the rate over that of one thread in the same turn. Then, after #, the medians. Each measurement takes
// --seconds, and at least two merges of each Child.

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "net/parent/merge_pool.h"
#include "net/parent/parent_state.h"
#include "net/parent/pooled_merge.h"
#include "support/arguments.h"
#include "support/flat_network.h"
#include "support/parent_process.h"
#include "support/raw_peer.h"
#include "support/samples.h"

namespace genkidama::benchmarks {
namespace {

constexpr std::uint64_t kFewestMerges = 2;  // of each Child

struct Measured {
  double rate = 0;       ///< merges a second
  double processor = 0;  ///< seconds for a merge
  std::uint64_t damaged = 0;
};

/// A connection that exchanges whole frames, blocking.
class LeanChild {
 public:
  LeanChild(std::uint16_t port, const ParameterLayout& layout, std::uint64_t seed)
      : peer_(port),
        session_(peer_.join(layout, "child " + std::to_string(seed)).session),
        weights_(random_floats(layout.size(), 0.1, seed)) {
    const int yes = 1;
    ::setsockopt(peer_.socket(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }

  /// Whether the answer was whole.
  bool exchange() {
    encode_frame(test::child_frame(session_, ++sequence_), weights_, frame_);
    // A mask of zeros leaves the payload as it is.
    send_all(test::masked_frame_start(2, frame_.size(), std::string_view("\0\0\0\0", 4)));
    send_all({reinterpret_cast<const char*>(frame_.data()), frame_.size()});
    while (!receive()) {
    }
    const auto parts = split_frame(frame_);
    return parts.ok() && parts.value().header.sequence == sequence_;
  }

 private:
  void send_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(peer_.socket(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw IoError("a Child's connection was lost while it sent");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  void receive_all(std::byte* to, std::size_t bytes) {
    while (bytes > 0) {
      const ssize_t got = ::recv(peer_.socket(), to, bytes, 0);
      if (got <= 0) throw IoError("the Parent closed a Child's connection");
      to += got;
      bytes -= static_cast<std::size_t>(got);
    }
  }

  /// One message, into frame_; whether it is a binary one.
  bool receive() {
    std::size_t size = 0;
    for (bool is_last = false; !is_last;) {
      std::array<std::byte, 10> head;
      receive_all(head.data(), 2);
      is_last = (head[0] & std::byte{0x80}) != std::byte{0};
      const auto opcode = static_cast<int>(head[0] & std::byte{0x0f});
      std::size_t length = static_cast<std::size_t>(head[1] & std::byte{0x7f});
      if (length >= 126) {
        const std::size_t bytes = length == 126 ? 2 : 8;
        receive_all(head.data() + 2, bytes);
        length = 0;
        for (std::size_t i = 0; i < bytes; ++i) length = length << 8 | static_cast<std::size_t>(head[2 + i]);
      }
      if (opcode == 9) {
        std::string payload(length, '\0');
        receive_all(reinterpret_cast<std::byte*>(payload.data()), length);
        send_all(test::masked_frame_start(10, length, std::string_view("\0\0\0\0", 4)) + payload);
        is_last = false;
        continue;
      }
      if (opcode != 0 && opcode != 2) throw IoError("the Parent sent no weights");
      if (frame_.size() < size + length) frame_.resize(size + length);
      receive_all(frame_.data() + size, length);
      size += length;
    }
    frame_.resize(size);
    return true;
  }

  test::RawPeer peer_;
  const std::uint64_t session_;
  const std::vector<float> weights_;
  std::vector<std::byte> frame_;
  std::uint64_t sequence_ = 0;
};

/// User and system time of a process so far, in seconds.
double processor_seconds_of(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  std::string text;
  std::getline(file, text);
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

Measured with_sockets(std::size_t weights, int threads, int children, double seconds) {
  ParentSetup setup;
  setup.parameters = weights;
  setup.merge_threads = threads;
  // A Child here answers no pings while others join, which takes long for large networks.
  setup.idle_timeout = Milliseconds(300'000);
  const ParentProcess parent(setup);
  const ParameterLayout layout = flat_layout(weights);
  std::vector<std::unique_ptr<LeanChild>> all;
  for (int i = 0; i < children; ++i)
    all.push_back(std::make_unique<LeanChild>(parent.port(), layout, static_cast<std::uint64_t>(i + 1)));
  // So that all memory is there.
  for (const auto& child : all) child->exchange();
  std::atomic<std::uint64_t> merges{0}, damaged{0};
  std::exception_ptr failure;
  std::mutex mutex;
  const double processor_before = processor_seconds_of(parent.pid());
  const auto start = Clock::now();
  std::vector<std::thread> runs;
  for (const auto& child : all) {
    runs.emplace_back([&, each = child.get()] {
      try {
        for (std::uint64_t i = 0; i < kFewestMerges || seconds_since(start) < seconds; ++i) {
          if (!each->exchange()) ++damaged;
          ++merges;
        }
      } catch (...) {
        const std::lock_guard lock(mutex);
        failure = std::current_exception();
      }
    });
  }
  for (std::thread& run : runs) run.join();
  const double span = seconds_since(start);
  if (failure) std::rethrow_exception(failure);
  const double processor = processor_seconds_of(parent.pid()) - processor_before;
  const auto made = static_cast<double>(merges.load());
  return {made / span, processor / made, damaged};
}

double own_processor_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// A Parent's work for one session, but for its link.
class Session {
 public:
  Session(ParentState& state, const ParameterLayout& layout, std::uint64_t number,
          std::function<void(Session&)> step_done)
      : state_(state),
        number_(number),
        encoder_(CodecKind::kFloat32, layout, CodedContent::kWeights),
        decoder_(CodecKind::kFloat32, layout, CodedContent::kWeights),
        pooled_(state, [this, step_done] { step_done(*this); }) {
    ChildStatus status;
    status.name = std::to_string(number);
    status.session = number;
    state.joined(status, 0, false);
    encode_frame(test::child_frame(number, 1), random_floats(layout.size(), 0.1, number), received_);
  }

  /// All of it, as with one thread.
  void merge() {
    const auto parts = split_frame(received_);
    std::span<const float> weights;
    decoder_.decode(parts.value().codec, parts.value().weights, weights);
    if (state_.objection(weights)) throw Error("weights were refused");
    state_.merge(parts.value().header, weights);
    encode_frame(test::parent_frame(number_, 1), state_.current(), encoder_, answer_);
  }

  void begin(MergePool& pool) {
    pooled_.prepare_look(received_, 0, decoder_);
    pool.submit(pooled_);
  }
  /// Whether a merge has ended; else the next step is under way.
  bool go_on(MergePool& pool) {
    if (pooled_.take_step() == PooledMerge::Step::kMerge) {
      state_.end_merge();
      answer_ = pooled_.take_frame();
      return true;
    }
    pooled_.reserve_answer();
    state_.begin_merge(pooled_.parts().value().header, pooled_.look().pull);
    pooled_.prepare_merge(number_, test::parent_frame(number_, 1), {}, encoder_, std::move(answer_));
    pool.submit(pooled_, true);
    return false;
  }

 private:
  ParentState& state_;
  const std::uint64_t number_;
  WeightEncoder encoder_;
  WeightDecoder decoder_;
  PooledMerge pooled_;
  std::vector<std::byte> received_, answer_;
};

Measured alone(std::size_t weights, int threads, int children, double seconds) {
  ParentOptions options;
  options.merge_threads = threads;
  const ParameterLayout layout = flat_layout(weights);
  ParentState state(options, layout, random_floats(weights, 0.1, 99));
  std::uint64_t merges = 0;
  auto start = Clock::now();
  double processor_before = 0;
  const std::uint64_t fewest = kFewestMerges * static_cast<std::uint64_t>(children);
  const auto goes_on = [&] { return merges < fewest || seconds_since(start) < seconds; };
  std::unique_ptr<MergePool> pool;
  int under_way = 0;
  std::vector<std::unique_ptr<Session>> all;
  for (int i = 1; i <= children; ++i) {
    all.push_back(
        std::make_unique<Session>(state, layout, static_cast<std::uint64_t>(i), [&](Session& session) {
          if (!session.go_on(*pool)) return;
          ++merges;
          if (goes_on()) {
            session.begin(*pool);
          } else {
            --under_way;
          }
        }));
  }
  if (threads == 1) {
    // So that all memory is there.
    for (const auto& session : all) session->merge();
    start = Clock::now();
    processor_before = own_processor_seconds();
    while (goes_on())
      for (const auto& session : all) {
        session->merge();
        ++merges;
      }
  } else {
    std::mutex mutex;
    std::condition_variable woken;
    bool is_woken = false;
    pool = std::make_unique<MergePool>(static_cast<std::size_t>(threads), [&] {
      {
        const std::lock_guard lock(mutex);
        is_woken = true;
      }
      woken.notify_one();
    });
    const auto run_all = [&] {
      under_way = children;
      for (const auto& session : all) session->begin(*pool);
      while (under_way > 0) {
        {
          std::unique_lock lock(mutex);
          woken.wait(lock, [&] { return is_woken; });
          is_woken = false;
        }
        pool->deliver();
      }
    };
    // So that all memory is there.
    start = Clock::now() - std::chrono::hours(1);
    run_all();
    merges = 0;
    start = Clock::now();
    processor_before = own_processor_seconds();
    run_all();
    pool.reset();
  }
  const double span = seconds_since(start);
  const auto made = static_cast<double>(merges);
  return {made / span, (own_processor_seconds() - processor_before) / made, 0};
}

int run(int argc, char** argv) {
  const Arguments arguments(argc, argv,
                            {{"--weights", "2949,100000,1000000,10000000"},
                             {"--threads", "1,2,4"},
                             {"--children", "8"},
                             {"--seconds", "2"},
                             {"--turns", "5"}});
  set_log_level(LogLevel::kError);
  const auto all_threads = arguments.integers("--threads");
  const int children = std::max(1, static_cast<int>(arguments.number("--children")));
  const double seconds = arguments.number("--seconds");
  const int turns = std::max(1, static_cast<int>(arguments.number("--turns")));
  std::string medians;
  fmt::print("how,weights,threads,turn,merges_per_s,processor_ms_per_merge,damaged,ratio\n");
  for (const int weights : arguments.integers("--weights")) {
    for (const bool has_sockets : {true, false}) {
      const char* const how = has_sockets ? "sockets" : "alone";
      std::map<int, std::vector<double>> rates, ratios, processor;
      for (int turn = 1; turn <= turns; ++turn) {
        double of_one = 0;
        for (const int threads : all_threads) {
          const Measured measured = (has_sockets ? with_sockets : alone)(static_cast<std::size_t>(weights),
                                                                         threads, children, seconds);
          if (threads == 1) of_one = measured.rate;
          const double ratio = of_one > 0 ? measured.rate / of_one : 0;
          rates[threads].push_back(measured.rate);
          ratios[threads].push_back(ratio);
          processor[threads].push_back(measured.processor);
          fmt::print("{},{},{},{},{:.1f},{:.3f},{},{:.3f}\n", how, weights, threads, turn, measured.rate,
                     1e3 * measured.processor, measured.damaged, ratio);
          std::fflush(stdout);
        }
      }
      for (const int threads : all_threads) {
        medians += fmt::format(
            "# {},{},{} threads: {:.1f} merges a second, {:.3f} ms of processor each, ratio {:.3f}\n", how,
            weights, threads, median(rates[threads]), 1e3 * median(processor[threads]),
            median(ratios[threads]));
      }
    }
  }
  fmt::print("{}", medians);
  return 0;
}

}  // namespace
}  // namespace genkidama::benchmarks

int main(int argc, char** argv) {
  using namespace genkidama::benchmarks;
  return exit_code_of("merge_threads", [&] { return run(argc, argv); });
}
