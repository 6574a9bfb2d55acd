// Machines without a centre: four peers in a ring, each with a trainer of your own and data of its own,
// average with their neighbours (Diff-DAC's rule) until all have the same line. In a real run each is a
// process of a machine.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <thread>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/net/peer.h"
#include "genkidama/params/local_trainer.h"

namespace {

constexpr float kSlope = 3;
constexpr float kOffset = -1;
constexpr int kPeers = 4;

/// y = slope * x + offset, by stochastic gradient descent on noisy points with x in [low, low + 0.5).
class LineTrainer : public genkidama::LocalTrainer {
 public:
  LineTrainer(double low, std::uint64_t seed) : low_(low), random_(seed) {}

  const genkidama::ParameterLayout& layout() const override { return layout_; }

  genkidama::RoundReport train_round() override {
    constexpr int kPoints = 100;
    for (int i = 0; i < kPoints; ++i) {
      const auto x = static_cast<float>(random_.uniform(low_, low_ + 0.5));
      const float y = kSlope * x + kOffset + static_cast<float>(0.1 * random_.normal());
      const float error = weights_[0] * x + weights_[1] - y;
      weights_[0] -= 0.05F * error * x;
      weights_[1] -= 0.05F * error;
    }
    genkidama::RoundReport report;
    report.steps_in_round = kPoints;
    return report;
  }

  void read_weights(std::span<float> out) const override {
    std::copy(weights_.begin(), weights_.end(), out.begin());
  }

  void write_weights(std::span<const float> in) override {
    if (in.size() != weights_.size()) throw genkidama::ArgumentError("LineTrainer: expected 2 weights");
    weights_.assign(in.begin(), in.end());
  }

  const std::vector<float>& weights() const { return weights_; }

 private:
  genkidama::ParameterLayout layout_{{{"slope", {1}}, {"offset", {1}}}};
  std::vector<float> weights_ = {0, 0};
  double low_;
  genkidama::Random random_;
};

}  // namespace

int main() {
  std::vector<std::unique_ptr<LineTrainer>> trainers;
  std::vector<std::unique_ptr<genkidama::Peer>> peers;
  for (int i = 0; i < kPeers; ++i) {
    // Each sees a quarter of the line only.
    trainers.push_back(std::make_unique<LineTrainer>(0.5 * i - 1, i + 1));
    genkidama::PeerOptions options;
    options.name = fmt::format("peer_{}", i + 1);
    options.listen = genkidama::Endpoint::parse("127.0.0.1:0");  // 0: any free port
    options.rule = genkidama::MixingRule::kDiffusion;
    // A peer dials those that are there already: the one before it, and the last one also the first.
    if (i > 0) options.neighbours.push_back({genkidama::Endpoint{"127.0.0.1", peers[i - 1]->port()}});
    if (i == kPeers - 1) options.neighbours.push_back({genkidama::Endpoint{"127.0.0.1", peers[0]->port()}});
    peers.push_back(std::make_unique<genkidama::Peer>(options, *trainers[i]));
    peers[i]->start();
  }

  // A Peer uses its trainer in the thread that calls run(). Nobody leaves before all have had their rounds:
  // those that are left would go on without it.
  std::atomic<int> at_work{kPeers};
  std::vector<std::thread> threads;
  for (int i = 0; i < kPeers; ++i) {
    threads.emplace_back([&, i] {
      peers[i]->run([&](const genkidama::PeerProgress& progress) {
        if (progress.rounds == 300) --at_work;
        return at_work > 0;
      });
    });
  }
  for (std::thread& each : threads) each.join();

  bool is_right = true;
  for (int i = 0; i < kPeers; ++i) {
    const std::vector<float>& line = trainers[i]->weights();
    fmt::print("peer_{}: {} exchanges, y = {:.2f} x {:+.2f}\n", i + 1, peers[i]->progress().exchanges,
               line[0], line[1]);
    is_right = is_right && std::abs(line[0] - kSlope) < 0.5 && std::abs(line[1] - kOffset) < 0.5;
  }
  return is_right ? 0 : 1;
}
