// One exchange between a Child and its Parent over the loopback interface, each in its own process.
//
// Timed from the end of a round to the averaged weights' return to the trainer: reading the weights,
// encoding, sending, decoding, the merge at the Parent, the way back, the average at the Child, writing the
// weights. `there` ends with the merge, `back` begins there. The Child's round itself takes no time, or with
// `paced` 2 ms of sleep, after which caches and cores are as cold as they are in a training.
//
// `loopback` moves the same bytes between two processes with nothing but TCP: the floor.
//
// GB_per_s_each_way counts the weights' bytes in one direction over half of the exchange's time.

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "genkidama/core/log.h"
#include "genkidama/ipc/shared_array.h"
#include "genkidama/net/child.h"
#include "support/flat_network.h"
#include "support/parent_process.h"
#include "support/samples.h"

namespace genkidama::benchmarks {
namespace {

/// Set by the Parent's process, read by the Child's: the clock is the same for both.
using MergeTime = std::atomic<Clock::rep>;

Clock::rep now_ticks() {
  return Clock::now().time_since_epoch().count();
}

double seconds_of(Clock::rep ticks) {
  return std::chrono::duration<double>(Clock::duration(ticks)).count();
}

class TimedTrainer final : public LocalTrainer {
 public:
  TimedTrainer(std::size_t parameters, Milliseconds pause, const MergeTime& merged)
      : layout_(flat_layout(parameters)),
        weights_(random_floats(parameters, 0.1, 2)),
        pause_(pause),
        merged_(merged) {}

  const ParameterLayout& layout() const override { return layout_; }

  RoundReport train_round() override {
    if (pause_.count() > 0) std::this_thread::sleep_for(pause_);
    RoundReport report;
    report.episodes = {{1, 1, false}};
    report.steps_in_round = 1;
    started_ = now_ticks();
    return report;
  }

  void read_weights(std::span<float> out) const override {
    std::copy(weights_.begin(), weights_.end(), out.begin());
  }

  void write_weights(std::span<const float> in) override {
    std::copy(in.begin(), in.end(), weights_.begin());
    if (started_ == 0) return;  // the Parent's first weights
    const Clock::rep ended = now_ticks();
    const Clock::rep merged = merged_.load();
    all.push_back(seconds_of(ended - started_));
    there.push_back(seconds_of(merged - started_));
    back.push_back(seconds_of(ended - merged));
  }

  std::vector<double> all, there, back;

 private:
  ParameterLayout layout_;
  std::vector<float> weights_;
  Milliseconds pause_;
  const MergeTime& merged_;
  Clock::rep started_ = 0;
};

void report_times(benchmark::State& state, std::size_t parameters, const std::vector<double>& times) {
  const double p50 = percentile(times, 0.5);
  state.counters["p50_us"] = 1e6 * p50;
  state.counters["p99_us"] = 1e6 * percentile(times, 0.99);
  state.counters["max_us"] = 1e6 * percentile(times, 1);
  state.counters["GB_per_s_each_way"] = 2e-9 * sizeof(float) * static_cast<double>(parameters) / p50;
}

void exchange(benchmark::State& state, Milliseconds pause) {
  set_log_level(LogLevel::kError);
  const auto parameters = static_cast<std::size_t>(state.range(0));
  const auto exchanges = static_cast<std::uint64_t>(state.range(1));
  const SharedArray<MergeTime> merged(1, "time of the latest merge");
  for (auto _ : state) {
    ParentSetup setup;
    setup.parameters = parameters;
    setup.observer = [&](const ParentUpdate&) { merged[0].store(now_ticks()); };
    const ParentProcess parent(setup);
    TimedTrainer trainer(parameters, pause, merged[0]);
    ChildOptions options;
    options.connect = Endpoint{"127.0.0.1", parent.port()};
    options.beta = 0.5;
    Child child(options, trainer);
    child.run([&](const ChildProgress& progress) { return progress.rounds < exchanges; });
    if (trainer.all.size() != exchanges) state.SkipWithError("an exchange failed");
    report_times(state, parameters, trainer.all);
    state.counters["there_us"] = 1e6 * median(trainer.there);
    state.counters["back_us"] = 1e6 * median(trainer.back);
    state.SetIterationTime(median(trainer.all));
  }
}

/// TCP on the loopback interface: one side sends all bytes, the other all back.
class Echo {
 public:
  explicit Echo(std::size_t bytes) : bytes_(bytes), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 1) != 0 ||
        ::getsockname(listener_, generic, &size) != 0) {
      throw std::runtime_error("cannot listen on the loopback interface");
    }
    process_ = std::make_unique<test::ChildProcess>([this] { return serve(); });
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(socket_, generic, size) != 0) throw std::runtime_error("cannot connect");
    do_not_wait(socket_);
  }
  ~Echo() {
    ::close(socket_);
    ::close(listener_);
  }
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;

  bool round_trip(std::vector<char>& buffer) const {
    return send_all(socket_, buffer) && receive_all(socket_, buffer);
  }

 private:
  int serve() const {
    const int peer = ::accept(listener_, nullptr, nullptr);
    do_not_wait(peer);
    std::vector<char> buffer(bytes_);
    while (receive_all(peer, buffer) && send_all(peer, buffer)) {
    }
    return 0;
  }

  static void do_not_wait(int socket) {
    const int yes = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  static bool send_all(int socket, const std::vector<char>& buffer) {
    for (std::size_t at = 0; at < buffer.size();) {
      const ssize_t sent = ::send(socket, buffer.data() + at, buffer.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      at += static_cast<std::size_t>(sent);
    }
    return true;
  }
  static bool receive_all(int socket, std::vector<char>& buffer) {
    for (std::size_t at = 0; at < buffer.size();) {
      const ssize_t got = ::recv(socket, buffer.data() + at, buffer.size() - at, 0);
      if (got <= 0) return false;
      at += static_cast<std::size_t>(got);
    }
    return true;
  }

  std::size_t bytes_;
  int listener_;
  int socket_ = -1;
  std::unique_ptr<test::ChildProcess> process_;
};

void loopback(benchmark::State& state) {
  const auto parameters = static_cast<std::size_t>(state.range(0));
  std::vector<char> buffer(parameters * sizeof(float));
  for (auto _ : state) {
    const Echo echo(buffer.size());
    std::vector<double> times;
    for (std::int64_t i = 0; i < state.range(1); ++i) {
      const auto start = Clock::now();
      if (!echo.round_trip(buffer)) state.SkipWithError("the connection was lost");
      times.push_back(seconds_since(start));
    }
    report_times(state, parameters, times);
    state.SetIterationTime(median(times));
  }
}

[[maybe_unused]] const bool registered = [] {
  const auto once = [](benchmark::internal::Benchmark* benchmark, bool paced) {
    benchmark->ArgNames({"", "exchanges"})->Args({2'949, paced ? 1'000 : 2'000});
    if (!paced) benchmark->Args({10'000'000, 20});
    benchmark->UseManualTime()->Iterations(1)->Unit(benchmark::kMicrosecond);
  };
  once(benchmark::RegisterBenchmark("exchange", exchange, Milliseconds(0)), false);
  once(benchmark::RegisterBenchmark("exchange_paced", exchange, Milliseconds(2)), true);
  once(benchmark::RegisterBenchmark("loopback", loopback), false);
  return true;
}();

}  // namespace
}  // namespace genkidama::benchmarks
