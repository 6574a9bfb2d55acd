#include "rl/model/imagination.h"

#include <algorithm>

namespace genkidama {

Imagination::Imagination(WorldModel& model, const ImaginationOptions& options)
    : model_(model),
      options_(options),
      starts_((options.rows + options.steps - 1) / options.steps),
      actions_(options.steps, std::vector<float>(starts_)),
      played_(options.steps) {}

void Imagination::imagine(std::span<const float> observations, const Choose& choose, Random& random,
                          ReplayBatch& batch) {
  play(observations, choose, random);
  assemble(observations, batch);
}

void Imagination::play(std::span<const float> observations, const Choose& choose, Random& random) {
  const std::size_t size = observations.size() / starts_, members = model_.members();
  const auto shift = static_cast<std::size_t>(random.below(members));
  std::span<const float> from = observations;
  for (std::size_t step = 0; step < options_.steps; ++step) {
    const std::span<float> actions = actions_[step];
    choose(from, actions);
    for (std::size_t i = 0; step == 0 && i < starts_; ++i) {
      if (random.uniform() < options_.epsilon)
        actions[i] = static_cast<float>(random.below(options_.actions));
    }
    Prediction& all = played_[step];
    all.observations.clear();
    all.rewards.clear();
    all.ends.clear();
    for (std::size_t part = 0; part < members; ++part) {
      const std::size_t first = part * starts_ / members, end = (part + 1) * starts_ / members;
      if (first == end) continue;
      model_.predict((part + shift) % members, from.subspan(first * size, (end - first) * size),
                     actions.subspan(first, end - first), part_);
      all.observations.insert(all.observations.end(), part_.observations.begin(), part_.observations.end());
      all.rewards.insert(all.rewards.end(), part_.rewards.begin(), part_.rewards.end());
      all.ends.insert(all.ends.end(), part_.ends.begin(), part_.ends.end());
    }
    from = all.observations;
  }
}

void Imagination::assemble(std::span<const float> observations, ReplayBatch& batch) const {
  const std::size_t size = observations.size() / starts_, rows = options_.rows;
  batch.observations.resize(rows * size);
  batch.next_observations.resize(rows * size);
  batch.actions.resize(rows);
  batch.rewards.resize(rows);
  batch.discounts.resize(rows);
  batch.weights.resize(rows);
  batch.next_masks.clear();
  batch.places.clear();
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t step = row / starts_, start = row % starts_;
    const std::size_t end = std::min(step + options_.return_steps, options_.steps);
    const std::span<const float> before = step == 0 ? observations : played_[step - 1].observations;
    std::copy_n(before.begin() + static_cast<std::ptrdiff_t>(start * size), size,
                batch.observations.begin() + static_cast<std::ptrdiff_t>(row * size));
    std::copy_n(played_[end - 1].observations.begin() + static_cast<std::ptrdiff_t>(start * size), size,
                batch.next_observations.begin() + static_cast<std::ptrdiff_t>(row * size));
    batch.actions[row] = actions_[step][start];
    batch.weights[row] = 1;
    for (std::size_t k = 0; k < step; ++k) batch.weights[row] *= 1 - played_[k].ends[start];
    double reward = 0, discount = 1;
    for (std::size_t k = step; k < end; ++k) {
      reward += discount * static_cast<double>(played_[k].rewards[start]);
      discount *= options_.gamma * (1 - static_cast<double>(played_[k].ends[start]));
    }
    batch.rewards[row] = static_cast<float>(reward);
    batch.discounts[row] = static_cast<float>(discount);
  }
}

}  // namespace genkidama
