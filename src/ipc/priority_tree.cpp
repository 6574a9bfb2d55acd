#include "genkidama/ipc/priority_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <numeric>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"

namespace genkidama {
namespace {

constexpr std::size_t kFanOut = PriorityTree::kFanOut;

std::size_t groups_of(std::size_t nodes) {
  return (nodes + kFanOut - 1) / kFanOut;
}

/// Nodes of each level from the leaves up; a last level of one is the sum of all.
std::vector<std::size_t> level_sizes(std::size_t leaves) {
  std::vector<std::size_t> sizes{leaves};
  while (sizes.back() > 1) sizes.push_back(groups_of(sizes.back()));
  return sizes;
}

/// Whole groups, so that each lies in a line of its own.
std::size_t padded_nodes(const std::vector<std::size_t>& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), std::size_t{0},
                         [](std::size_t sum, std::size_t nodes) { return sum + groups_of(nodes) * kFanOut; });
}

/// Which of four summands side by side holds the mass, from whose beginning it is counted afterwards. There
/// is no branch that a processor could only guess.
std::size_t choose_of_four(const float* summands, float& mass) {
  const float two = summands[0] + summands[1], three = two + summands[2];
  const std::size_t chosen =
      (mass >= summands[0] ? 1u : 0u) + (mass >= two ? 1u : 0u) + (mass >= three ? 1u : 0u);
  const std::array<float, 4> before{0, summands[0], two, three};
  mass -= before[chosen];
  return chosen;
}

/// The same of a group.
std::size_t choose(const std::array<float, kFanOut>& values, float& mass) {
  static_assert(kFanOut == 16);
  std::array<float, 4> fours;
  for (std::size_t i = 0; i < 4; ++i)
    fours[i] = (values[4 * i] + values[4 * i + 1]) + (values[4 * i + 2] + values[4 * i + 3]);
  std::size_t chosen = 4 * choose_of_four(fours.data(), mass);
  chosen += choose_of_four(values.data() + chosen, mass);
  if (values[chosen] > 0) return chosen;
  // Rounding, or another worker, has left more mass than the summands have: the last of them counts.
  for (std::size_t i = kFanOut; i-- > 0;) {
    if (!(values[i] > 0)) continue;
    mass = values[i];
    return i;
  }
  return 0;
}

std::size_t checked(std::size_t leaves) {
  if (leaves < 1) throw ArgumentError("a priority tree of 0 leaves; expected at least 1");
  return leaves;
}

}  // namespace

PriorityTree::PriorityTree(std::size_t leaves)
    : leaves_(checked(leaves)),
      counts_(level_sizes(leaves)),
      nodes_(padded_nodes(counts_), "the priorities of a replay buffer") {
  std::size_t start = 0;
  for (const std::size_t nodes : counts_) {
    starts_.push_back(start);
    start += groups_of(nodes) * kFanOut;
  }
}

std::size_t PriorityTree::bytes(std::size_t leaves) {
  return padded_nodes(level_sizes(checked(leaves))) * sizeof(float);
}

void PriorityTree::check_leaf(std::size_t leaf) const {
  if (leaf < leaves_) return;
  throw ArgumentError(
      fmt::format("leaf {} of a priority tree; expected a number from 0 to {}", leaf, leaves_ - 1));
}

float PriorityTree::get(std::size_t leaf) const {
  check_leaf(leaf);
  return relaxed_read(nodes_[leaf]);
}

float PriorityTree::total() const {
  return relaxed_read(nodes_[starts_.back()]);
}

/// In a fixed order, so that the same priorities always have the same sum.
float PriorityTree::sum_of_group(std::size_t level, std::size_t group) const {
  std::array<float, kFanOut> values;
  relaxed_load(nodes_.span().subspan(starts_[level] + group * kFanOut, kFanOut), values);
  for (std::size_t half = kFanOut / 2; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) values[i] += values[i + half];
  }
  return values[0];
}

/// Writes the sum of a group of `level` into the level above.
void PriorityTree::sum_up(std::size_t level, std::size_t group) {
  const std::atomic_ref<float> above(nodes_[starts_[level + 1] + group]);
  // Others may go on and on; the last of them leaves the sum right.
  constexpr int kAttempts = 8;
  float sum = sum_of_group(level, group);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    above.store(sum, std::memory_order_seq_cst);
    const float now = sum_of_group(level, group);
    if (now == sum) return;
    sum = now;
  }
}

void PriorityTree::set(std::size_t leaf, float priority) {
  check_leaf(leaf);
  if (!is_finite(priority) || priority < 0) {
    throw ArgumentError(
        fmt::format("the priority of row {} is {}; expected a finite number of at least 0", leaf, priority));
  }
  std::atomic_ref<float>(nodes_[leaf]).store(priority, std::memory_order_seq_cst);
  for (std::size_t level = 0; level + 1 < starts_.size(); ++level) {
    leaf /= kFanOut;
    sum_up(level, leaf);
  }
}

std::size_t PriorityTree::find(float mass) const {
  std::size_t leaf = 0;
  find({&mass, 1}, {&leaf, 1});
  return leaf;
}

void PriorityTree::find(std::span<float> masses, std::span<std::size_t> leaves) const {
  std::fill(leaves.begin(), leaves.end(), std::size_t{0});
  std::array<float, kFanOut> values;
  for (std::size_t level = starts_.size() - 1; level-- > 0;) {
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      const std::size_t first = leaves[i] * kFanOut;
      relaxed_load(nodes_.span().subspan(starts_[level] + first, kFanOut), values);
      leaves[i] = first + choose(values, masses[i]);
      if (level > 0) __builtin_prefetch(&nodes_[starts_[level - 1] + leaves[i] * kFanOut]);
    }
  }
}

void PriorityTree::rebuild() {
  for (std::size_t level = 0; level + 1 < starts_.size(); ++level) {
    for (std::size_t group = 0; group < counts_[level + 1]; ++group) sum_up(level, group);
  }
}

}  // namespace genkidama
