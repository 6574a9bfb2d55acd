// A trainer of your own: whatever has flat weights can take part. Two Children fit a line to data of their
// own, each of one half of the line; the Parent averages their weights.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <thread>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/net/child.h"
#include "genkidama/net/parent.h"
#include "genkidama/params/local_trainer.h"

namespace {

constexpr float kSlope = 3;
constexpr float kOffset = -1;

/// y = slope * x + offset, by stochastic gradient descent on noisy points with x in [low, low + 1).
class LineTrainer : public genkidama::LocalTrainer {
 public:
  LineTrainer(double low, std::uint64_t seed) : low_(low), random_(seed) {}

  const genkidama::ParameterLayout& layout() const override { return layout_; }

  genkidama::RoundReport train_round() override {
    constexpr int kPoints = 100;
    double squared_error = 0;
    for (int i = 0; i < kPoints; ++i) {
      const auto x = static_cast<float>(random_.uniform(low_, low_ + 1));
      const float y = kSlope * x + kOffset + static_cast<float>(0.1 * random_.normal());
      const float error = weights_[0] * x + weights_[1] - y;
      weights_[0] -= 0.1F * error * x;
      weights_[1] -= 0.1F * error;
      squared_error += error * error;
    }
    genkidama::RoundReport report;
    report.steps_in_round = kPoints;
    report.optimizer_steps = kPoints;
    report.value_loss = squared_error / kPoints;
    // What the Parent shows as a return: larger is better.
    report.episodes.push_back({-squared_error / kPoints, kPoints, false});
    return report;
  }

  void read_weights(std::span<float> out) const override {
    std::copy(weights_.begin(), weights_.end(), out.begin());
  }

  void write_weights(std::span<const float> in) override {
    if (in.size() != weights_.size()) throw genkidama::ArgumentError("LineTrainer: expected 2 weights");
    weights_.assign(in.begin(), in.end());
  }

 private:
  genkidama::ParameterLayout layout_{{{"slope", {1}}, {"offset", {1}}}};
  std::vector<float> weights_ = {0, 0};
  double low_;
  genkidama::Random random_;
};

}  // namespace

int main() {
  LineTrainer left(-1, 1);
  LineTrainer right(0, 2);

  genkidama::ParentOptions parent_options;
  parent_options.listen = {genkidama::Endpoint::parse("127.0.0.1:0")};  // 0: any free port
  parent_options.alpha = 0.5;
  genkidama::Parent parent(parent_options, left.layout(), {0, 0});
  parent.start();

  const auto train = [&](LineTrainer& trainer, const char* name) {
    genkidama::ChildOptions options;
    options.connect = genkidama::Endpoint{"127.0.0.1", parent.ports().front()};
    options.beta = 0.5;
    options.name = name;
    genkidama::Child child(options, trainer);
    child.run([](const genkidama::ChildProgress& progress) { return progress.rounds < 50; });
  };
  // A Child uses its trainer in the thread that calls run().
  std::thread other([&] { train(right, "right"); });
  train(left, "left");
  other.join();

  const std::vector<float> line = parent.weights();
  fmt::print("{} merges: y = {:.2f} x {:+.2f}\n", parent.status().updates, line[0], line[1]);
  return std::abs(line[0] - kSlope) < 0.3 && std::abs(line[1] - kOffset) < 0.3 ? 0 : 1;
}
