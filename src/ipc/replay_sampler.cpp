#include "genkidama/ipc/replay_sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"

namespace genkidama {
namespace {

// Rows that cannot be read are those that are written at the moment, or that a killed worker has spoiled: one
// of each core. So many misses in a row mean that there is nothing to read.
constexpr int kMostMisses = 1'000;

[[noreturn]] void refuse_empty(std::size_t stored) {
  throw ArgumentError(
      fmt::format("no row of the replay buffer can be drawn ({} stored); store some first", stored));
}

float as_float(std::uint32_t word) {
  return std::bit_cast<float>(word);
}

ReplaySamplerOptions checked(const ReplaySamplerOptions& options, const ReplayBuffer& buffer) {
  if (options.core != ReplayBuffer::kAllCores && (options.core < 0 || options.core >= buffer.cores())) {
    throw ArgumentError(fmt::format("core {} of a replay buffer for {}; they count from 0 to {}",
                                    options.core, buffer.cores(), buffer.cores() - 1));
  }
  if (options.steps < 1)
    throw ArgumentError(fmt::format("transitions of {} steps; expected at least 1", options.steps));
  if (!is_finite(options.gamma) || options.gamma < 0 || options.gamma > 1)
    throw ArgumentError(fmt::format("gamma is {}; expected a number in [0, 1]", options.gamma));
  if (options.stride < 1)
    throw ArgumentError(fmt::format("a stride of {} rows; expected at least 1", options.stride));
  return options;
}

}  // namespace

ReplaySampler::ReplaySampler(ReplayBuffer& buffer, const ReplaySamplerOptions& options)
    : buffer_(buffer),
      options_(checked(options, buffer)),
      row_(buffer.row_size()),
      next_row_(buffer.row_size()) {}

int ReplaySampler::first_core() const {
  return options_.core == ReplayBuffer::kAllCores ? 0 : options_.core;
}

int ReplaySampler::last_core() const {
  return options_.core == ReplayBuffer::kAllCores ? buffer_.cores() - 1 : options_.core;
}

std::uint64_t ReplaySampler::rows_of(int core, std::uint64_t stored) const {
  return stored - buffer_.oldest(core, stored);
}

std::size_t ReplaySampler::size() const {
  return buffer_.size(options_.core);
}

ReplayPlace ReplaySampler::draw_uniformly(Random& random) const {
  std::uint64_t all = 0;
  for (int core = first_core(); core <= last_core(); ++core) all += rows_of(core, buffer_.stored(core));
  if (all == 0) refuse_empty(0);
  std::uint64_t left = random.below(all);
  for (int core = first_core(); core < last_core(); ++core) {
    const std::uint64_t stored = buffer_.stored(core), rows = rows_of(core, stored);
    if (left < rows) return {core, stored - rows + left};
    left -= rows;
  }
  // Shares may have grown meanwhile, and never shrink.
  const std::uint64_t stored = buffer_.stored(last_core()), rows = rows_of(last_core(), stored);
  return {last_core(), stored - rows + std::min(left, rows - std::min<std::uint64_t>(rows, 1))};
}

double ReplaySampler::total_priority() const {
  double total = 0;
  for (int core = first_core(); core <= last_core(); ++core)
    total += buffer_.priorities_[static_cast<std::size_t>(core)].total();
  return total;
}

/// The newest transition that may lie at a leaf.
ReplaySampler::Drawn ReplaySampler::at(int core, std::size_t leaf) const {
  const std::uint64_t stored = buffer_.stored(core), capacity = buffer_.capacity();
  const std::uint64_t behind = (stored + capacity - 1 - leaf) % capacity;
  if (stored <= behind) return {};
  return {{core, stored - 1 - behind}, buffer_.priorities_[static_cast<std::size_t>(core)].get(leaf)};
}

ReplaySampler::Drawn ReplaySampler::draw_by_priority(Random& random) const {
  double mass = random.uniform() * total_priority();
  int core = first_core();
  for (; core < last_core(); ++core) {
    const double total = buffer_.priorities_[static_cast<std::size_t>(core)].total();
    if (mass < total) break;
    mass -= total;
  }
  return at(core, buffer_.priorities_[static_cast<std::size_t>(core)].find(static_cast<float>(mass)));
}

/// A draw from each of `count` equal parts of the priorities' sum: they ascend, so those of a share lie side
/// by side.
void ReplaySampler::find_equal_parts(Random& random, std::size_t count, double total) {
  drawn_.clear();
  const double part = total / static_cast<double>(count);
  double mass = random.uniform() * part, before = 0;
  std::size_t next = 1;
  bool is_left = count > 0;
  for (int core = first_core(); core <= last_core(); ++core) {
    const PriorityTree& tree = buffer_.priorities_[static_cast<std::size_t>(core)];
    const double end = before + static_cast<double>(tree.total());
    masses_.clear();
    while (is_left && (mass < end || core == last_core())) {
      masses_.push_back(static_cast<float>(mass - before));
      is_left = next < count;
      if (is_left) mass = (static_cast<double>(next++) + random.uniform()) * part;
    }
    leaves_.resize(masses_.size());
    tree.find(masses_, leaves_);
    for (const std::size_t leaf : leaves_) drawn_.push_back(at(core, leaf));
    before = end;
  }
}

void ReplaySampler::resize(ReplayBatch& batch, std::size_t count) const {
  const auto observation = static_cast<std::size_t>(buffer_.observation_size());
  batch.observations.resize(count * observation);
  batch.actions.resize(count * static_cast<std::size_t>(buffer_.action_width()));
  batch.rewards.resize(count);
  batch.discounts.resize(count);
  batch.next_observations.resize(count * observation);
  batch.next_masks.resize(count * static_cast<std::size_t>(buffer_.mask_width()));
  batch.weights.assign(count, 1.0f);
  batch.places.resize(count);
}

/// A row is observation, action, reward, next observation, terminated, truncated, mask.
bool ReplaySampler::assemble(const ReplayPlace& place, ReplayBatch& batch, std::size_t index) {
  if (!buffer_.copy_row(place, row_)) return false;
  const auto observation = static_cast<std::size_t>(buffer_.observation_size());
  const auto width = static_cast<std::size_t>(buffer_.action_width());
  const std::size_t reward_at = observation + width, next_at = reward_at + 1, ends_at = next_at + observation;
  std::memcpy(batch.observations.data() + index * observation, row_.data(), observation * sizeof(float));
  std::memcpy(batch.actions.data() + index * width, row_.data() + observation, width * sizeof(float));
  double discount = options_.gamma;
  double sum = as_float(row_[reward_at]);
  for (int step = 1; step < options_.steps; ++step) {
    if (row_[ends_at] != 0 || row_[ends_at + 1] != 0) break;
    const ReplayPlace next{place.core, place.number + static_cast<std::uint64_t>(step) * options_.stride};
    if (!buffer_.copy_row(next, next_row_)) break;
    if (std::memcmp(next_row_.data(), row_.data() + next_at, observation * sizeof(float)) != 0) break;
    row_.swap(next_row_);
    sum += discount * static_cast<double>(as_float(row_[reward_at]));
    discount *= options_.gamma;
  }
  const bool terminated = row_[ends_at] != 0 || (row_[ends_at + 1] != 0 && !options_.bootstrap_truncated);
  batch.rewards[index] = static_cast<float>(sum);
  batch.discounts[index] = terminated ? 0 : static_cast<float>(discount);
  std::memcpy(batch.next_observations.data() + index * observation, row_.data() + next_at,
              observation * sizeof(float));
  const auto mask_width = static_cast<std::size_t>(buffer_.mask_width());
  for (std::size_t k = 0; k < mask_width; ++k) {
    batch.next_masks[index * mask_width + k] = static_cast<std::uint8_t>(row_[ends_at + 2 + k]);
  }
  batch.places[index] = place;
  return true;
}

void ReplaySampler::draw_all(Random& random, std::size_t count, std::optional<double> importance_exponent) {
  if (!importance_exponent) {
    drawn_.clear();
    for (std::size_t i = 0; i < count; ++i) drawn_.push_back({draw_uniformly(random), 1});
    return;
  }
  buffer_.check_prioritised();
  if (!is_finite(*importance_exponent) || *importance_exponent < 0 || *importance_exponent > 1) {
    throw ArgumentError(
        fmt::format("importance_exponent is {}; expected a number in [0, 1]", *importance_exponent));
  }
  const double total = total_priority();
  if (!(total > 0)) refuse_empty(size());
  find_equal_parts(random, count, total);
  drawn_from_ = total;
}

/// In place of one that was overwritten meanwhile.
ReplaySampler::Drawn ReplaySampler::draw_again(Random& random, bool by_priority) const {
  return by_priority ? draw_by_priority(random) : Drawn{draw_uniformly(random), 1};
}

/// Importance weights of the rows that were drawn by priority.
void ReplaySampler::weigh(double importance_exponent, std::span<float> weights) const {
  float largest = 0;
  const auto scale = static_cast<float>(static_cast<double>(size()) / drawn_from_);
  const auto exponent = static_cast<float>(-importance_exponent);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    // A row whose priority has become 0 meanwhile counts as the smallest that there is.
    const float expected = std::max(scale * drawn_[i].priority, 1e-30f);
    weights[i] = std::pow(expected, exponent);
    largest = std::max(largest, weights[i]);
  }
  for (float& weight : weights) weight /= largest;
}

/// Copies the rows that were drawn. The processor fetches all of them at once while the first ones are
/// copied.
void ReplaySampler::fill(Random& random, bool by_priority, ReplayBatch& batch) {
  for (const Drawn& drawn : drawn_) {
    for (int step = 0; step < options_.steps; ++step) {
      ReplayPlace place = drawn.place;
      place.number += static_cast<std::uint64_t>(step) * options_.stride;
      buffer_.prefetch_row(place);
    }
  }
  resize(batch, drawn_.size());
  for (std::size_t i = 0; i < drawn_.size(); ++i) {
    for (int misses = 0; !assemble(drawn_[i].place, batch, i); ++misses) {
      if (misses == kMostMisses) refuse_empty(size());
      drawn_[i] = draw_again(random, by_priority);
    }
  }
}

void ReplaySampler::sample(Random& random, std::size_t count, ReplayBatch& batch) {
  draw_all(random, count, {});
  fill(random, false, batch);
}

void ReplaySampler::sample_by_priority(Random& random, std::size_t count, double importance_exponent,
                                       ReplayBatch& batch) {
  draw_all(random, count, importance_exponent);
  fill(random, true, batch);
  weigh(importance_exponent, batch.weights);
}

void ReplaySampler::sample_sequences(Random& random, std::size_t count, std::size_t before,
                                     std::size_t length, std::optional<double> importance_exponent,
                                     ReplaySequences& sequences) {
  if (length < 1) throw ArgumentError("sequences of 0 steps; expected at least 1");
  draw_all(random, count, importance_exponent);
  sequences = {};
  for (std::size_t i = 0; i < count; ++i) {
    for (int misses = 0; !append_sequence(drawn_[i].place, before, length, sequences); ++misses) {
      if (misses == kMostMisses) refuse_empty(size());
      drawn_[i] = draw_again(random, importance_exponent.has_value());
    }
  }
  sequences.weights.assign(count, 1.0f);
  if (importance_exponent) weigh(*importance_exponent, sequences.weights);
}

/// A row is observation, action, reward, next observation, terminated, truncated, mask.
bool ReplaySampler::append_sequence(const ReplayPlace& place, std::size_t before, std::size_t length,
                                    ReplaySequences& sequences) {
  const std::size_t row_size = buffer_.row_size();
  const auto observation = static_cast<std::size_t>(buffer_.observation_size());
  const auto width = static_cast<std::size_t>(buffer_.action_width());
  const std::size_t reward_at = observation + width, next_at = reward_at + 1, ends_at = next_at + observation;
  sequence_.resize((before + length) * row_size);
  const auto row = [&](std::size_t i) { return std::span(sequence_).subspan(i * row_size, row_size); };
  const auto ends = [&](std::size_t i) { return row(i)[ends_at] != 0 || row(i)[ends_at + 1] != 0; };
  const auto goes_on = [&](std::size_t i) {
    return !ends(i) &&
           std::memcmp(row(i + 1).data(), row(i).data() + next_at, observation * sizeof(float)) == 0;
  };
  if (!buffer_.copy_row(place, row(before))) return false;
  std::size_t first = before, last = before;
  while (first > 0) {
    const std::uint64_t back = (before - first + 1) * options_.stride;
    if (place.number < back || !buffer_.copy_row({place.core, place.number - back}, row(first - 1)) ||
        !goes_on(first - 1))
      break;
    --first;
  }
  while (last + 1 < before + length && !ends(last)) {
    const std::uint64_t on = (last - before + 1) * options_.stride;
    if (!buffer_.copy_row({place.core, place.number + on}, row(last + 1)) || !goes_on(last)) break;
    ++last;
  }
  const auto append = [](std::span<const std::uint32_t> words, std::vector<float>& to) {
    for (const std::uint32_t word : words) to.push_back(as_float(word));
  };
  const auto mask_width = static_cast<std::size_t>(buffer_.mask_width());
  sequences.masks.insert(sequences.masks.end(), mask_width, 1);
  for (std::size_t i = first; i <= last; ++i) {
    append(row(i).first(observation), sequences.observations);
    append(row(i).subspan(observation, width), sequences.actions);
    sequences.rewards.push_back(as_float(row(i)[reward_at]));
    for (const std::uint32_t word : row(i).subspan(ends_at + 2, mask_width))
      sequences.masks.push_back(static_cast<std::uint8_t>(word));
  }
  append(row(last).subspan(next_at, observation), sequences.observations);
  const bool is_truncated = row(last)[ends_at + 1] != 0;
  sequences.terminated.push_back(row(last)[ends_at] != 0 || (is_truncated && !options_.bootstrap_truncated));
  sequences.lengths.push_back(last - first + 1);
  sequences.drawn.push_back(before - first);
  sequences.places.push_back(place);
  return true;
}

void ReplaySampler::write_priorities(std::span<const ReplayPlace> places, std::span<const float> priorities) {
  buffer_.check_prioritised();
  if (priorities.size() != places.size()) {
    throw ArgumentError(fmt::format("{} priorities for a batch of {} rows; expected as many",
                                    priorities.size(), places.size()));
  }
  for (const float priority : priorities) {
    if (is_finite(priority) && priority >= 0) continue;
    throw ArgumentError(
        fmt::format("the priority of a row is {}; expected a finite number of at least 0", priority));
  }
  for (std::size_t i = 0; i < priorities.size(); ++i) buffer_.set_priority(places[i], priorities[i]);
}

}  // namespace genkidama
