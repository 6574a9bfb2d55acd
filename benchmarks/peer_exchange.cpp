// An exchange of two peers beside one of a Child and its Parent, over the loopback interface, each in its own
// process.
//
//   peer_exchange [--weights 2949] [--exchanges 2000] [--turns 5]
//
// Timed from the end of a round to the averaged weights' return to the trainer. The peers use the rule
// ad-psgd, which as a Child's exchange is a request and an answer; the answering peer is in the middle of a
// round of its own, as a rule. The two take turns. Prints the medians of each turn, and the median of their
// ratios.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "genkidama/core/log.h"
#include "genkidama/net/child.h"
#include "genkidama/net/peer.h"
#include "support/arguments.h"
#include "support/flat_network.h"
#include "support/parent_process.h"
#include "support/samples.h"

namespace genkidama::benchmarks {
namespace {

/// Its rounds take no time, or a while, in which it sleeps.
class TimedTrainer final : public LocalTrainer {
 public:
  TimedTrainer(std::size_t weights, Milliseconds pause)
      : layout_(flat_layout(weights)), weights_(random_floats(weights, 0.1, 2)), pause_(pause) {}

  const ParameterLayout& layout() const override { return layout_; }
  RoundReport train_round() override {
    if (pause_.count() > 0) std::this_thread::sleep_for(pause_);
    RoundReport report;
    report.steps_in_round = 1;
    is_timed_ = true;
    started_ = Clock::now();
    return report;
  }
  void read_weights(std::span<float> out) const override {
    std::copy(weights_.begin(), weights_.end(), out.begin());
  }
  void write_weights(std::span<const float> in) override {
    std::copy(in.begin(), in.end(), weights_.begin());
    if (is_timed_) times.push_back(seconds_since(started_));
    is_timed_ = false;
  }

  std::vector<double> times;

 private:
  ParameterLayout layout_;
  std::vector<float> weights_;
  const Milliseconds pause_;
  bool is_timed_ = false;
  Clock::time_point started_;
};

/// Answers until it is killed.
class PeerProcess {
 public:
  explicit PeerProcess(std::size_t weights) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) throw std::runtime_error("cannot make a pipe");
    process_ = std::make_unique<test::ChildProcess>([&] {
      ::close(ends[0]);
      set_log_level(LogLevel::kError);
      TimedTrainer trainer(weights, Milliseconds(200));
      PeerOptions options;
      options.name = "answering";
      options.rule = MixingRule::kPairs;
      options.listen = Endpoint{"127.0.0.1", 0};
      Peer peer(options, trainer);
      peer.start();
      const std::uint16_t port = peer.port();
      if (::write(ends[1], &port, sizeof port) != sizeof port) return 1;
      peer.run();
      return 0;
    });
    ::close(ends[1]);
    if (::read(ends[0], &port_, sizeof port_) != sizeof port_)
      throw std::runtime_error("the peer did not start");
    ::close(ends[0]);
  }
  std::uint16_t port() const { return port_; }

 private:
  std::uint16_t port_ = 0;
  std::unique_ptr<test::ChildProcess> process_;
};

double child_median(std::size_t weights, std::uint64_t exchanges) {
  ParentSetup setup;
  setup.parameters = weights;
  const ParentProcess parent(setup);
  TimedTrainer trainer(weights, Milliseconds(0));
  ChildOptions options;
  options.connect = Endpoint{"127.0.0.1", parent.port()};
  options.beta = 0.5;
  Child child(options, trainer);
  child.run([&](const ChildProgress& progress) { return progress.exchanges < exchanges; });
  return percentile(trainer.times, 0.5);
}

double peer_median(std::size_t weights, std::uint64_t exchanges) {
  const PeerProcess answering(weights);
  TimedTrainer trainer(weights, Milliseconds(0));
  PeerOptions options;
  options.name = "asking";
  options.rule = MixingRule::kPairs;
  options.neighbours = {{Endpoint{"127.0.0.1", answering.port()}}};
  Peer peer(options, trainer);
  peer.run([&](const PeerProgress& progress) { return progress.rounds < exchanges; });
  return percentile(trainer.times, 0.5);
}

int run(int argc, char** argv) {
  const Arguments arguments(argc, argv, {{"--weights", "2949"}, {"--exchanges", "2000"}, {"--turns", "5"}});
  set_log_level(LogLevel::kError);
  const auto weights = static_cast<std::size_t>(arguments.number("--weights"));
  const auto exchanges = static_cast<std::uint64_t>(arguments.number("--exchanges"));
  std::vector<double> ratios;
  fmt::print("turn,weights,child_p50_us,peer_p50_us,ratio\n");
  for (int turn = 1; turn <= static_cast<int>(arguments.number("--turns")); ++turn) {
    const double child = child_median(weights, exchanges), peer = peer_median(weights, exchanges);
    ratios.push_back(peer / child);
    fmt::print("{},{},{:.1f},{:.1f},{:.3f}\n", turn, weights, 1e6 * child, 1e6 * peer, ratios.back());
  }
  fmt::print("median of the ratios: {:.3f}\n", percentile(ratios, 0.5));
  return 0;
}

}  // namespace
}  // namespace genkidama::benchmarks

int main(int argc, char** argv) {
  using namespace genkidama::benchmarks;
  return exit_code_of("peer_exchange", [&] { return run(argc, argv); });
}
