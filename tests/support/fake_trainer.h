#pragma once

#include <functional>
#include <random>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/params/local_trainer.h"

namespace genkidama::test {

/// A small network of two tensors.
inline ParameterLayout small_layout() {
  return ParameterLayout({{"pi1.weight", {4, 3}}, {"pi1.bias", {4}}});
}

/// Values in [-1, 1).
inline std::vector<float> random_weights(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> weights(count);
  for (float& weight : weights)
    weight = static_cast<float>(static_cast<int>(random() >> 8) - (1 << 23)) / (1 << 23);
  return weights;
}

/// "Trains" by adding random steps to its weights, and remembers what was written to it and read from it.
class FakeTrainer : public LocalTrainer {
 public:
  explicit FakeTrainer(ParameterLayout layout = small_layout(), unsigned seed = 1)
      : layout_(std::move(layout)), weights_(random_weights(layout_.size(), seed)), random_(seed) {}

  const ParameterLayout& layout() const override { return layout_; }
  PolicyDescription policy_description() const override { return policy; }

  RoundReport train_round() override {
    ++rounds;
    const auto step = random_weights(weights_.size(), static_cast<unsigned>(random_()));
    for (std::size_t i = 0; i < weights_.size(); ++i) weights_[i] += 0.1f * step[i];
    for (float& moment : moments.values) moment = 0.5f * moment + 0.01f * static_cast<float>(random_() % 100);
    if (!moments.values.empty()) moments.steps += 5;
    if (on_round) on_round(weights_);
    RoundReport report;
    report.episodes = {{static_cast<double>(rounds), 10, false},
                       {static_cast<double>(rounds) + 1, 10, false}};
    report.steps_in_round = 20;
    return report;
  }

  void read_weights(std::span<float> out) const override {
    if (out.size() != weights_.size()) throw ArgumentError("fake trainer: wrong size");
    std::copy(weights_.begin(), weights_.end(), out.begin());
    sent.push_back(weights_);
  }

  void write_weights(std::span<const float> in) override {
    if (in.size() != weights_.size()) throw ArgumentError("fake trainer: wrong size");
    weights_.assign(in.begin(), in.end());
    written.push_back(weights_);
  }

  MomentsShape moments_shape() const override { return shape; }
  void read_moments(OptimizerMoments& out) const override {
    out = moments;
    sent_moments.push_back(moments);
  }
  void write_moments(const OptimizerMoments& in) override {
    moments = in;
    written_moments.push_back(in);
  }
  /// Its optimizer has moments of this shape, all 0 at first.
  void remember(const MomentsShape& given) {
    shape = given;
    moments.values.assign(given.size, 0.0f);
  }

  const std::vector<float>& weights() const { return weights_; }

  std::function<void(std::vector<float>&)> on_round;  ///< after the random step of each round
  PolicyDescription policy;
  std::uint64_t rounds = 0;
  mutable std::vector<std::vector<float>> sent;  ///< what each read_weights gave
  std::vector<std::vector<float>> written;       ///< what each write_weights got
  MomentsShape shape;                            ///< of nothing, unless asked to remember()
  OptimizerMoments moments;
  mutable std::vector<OptimizerMoments> sent_moments;  ///< what each read_moments gave
  std::vector<OptimizerMoments> written_moments;       ///< what each write_moments got

 private:
  ParameterLayout layout_;
  std::vector<float> weights_;
  std::mt19937 random_;
};

}  // namespace genkidama::test
