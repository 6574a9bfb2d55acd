#pragma once

/// @file
/// Weights that live in slices at other processes, the shards of a parameter server (Nair et al. 2015,
/// "Gorila"): gradients go out, weights come back. `net` and `orchestrator` meet here and never include each
/// other.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/params/parameter_layout.h"
#include "genkidama/params/policy_description.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The most shards that the weights of one network are divided among.
inline constexpr std::size_t kMostShards = 64;

/// One of the parts, as equal as they can be, into which the weights of a network are divided.
struct WeightSlice {
  std::size_t number = 1;  ///< from 1 to `count`
  std::size_t count = 1;   ///< how many slices there are, 1 to kMostShards
  std::size_t begin = 0;   ///< the first weight, by its place in the flat weights
  std::size_t end = 0;     ///< the place behind the last weight

  /// Weights in the slice.
  std::size_t size() const { return end - begin; }
  /// Compares field by field.
  friend bool operator==(const WeightSlice&, const WeightSlice&) = default;
};

/// Returns slice `number` of `count` slices of so many weights: those from parameters (number - 1) / count to
/// before parameters number / count. Throws ArgumentError for a number that is not from 1 to `count`, and for
/// a `count` that is not from 1 to kMostShards or larger than `parameters`.
WeightSlice weight_slice(std::size_t parameters, std::size_t number, std::size_t count);

/// A gradient for the shards.
struct ShardGradient {
  std::span<const float> values;  ///< of all weights
  /// Of each slice, in the order of the slices' numbers: the shard's optimizer steps that the slice had seen
  /// when the gradient was computed with it.
  std::span<const std::uint64_t> versions;
  double learning_rate = 0;  ///< of the optimizer step
};

/// What became of some gradients. A gradient counts once, whatever the number of its slices to which it
/// happened.
struct ShardReply {
  std::uint64_t stale = 0;  ///< a shard dropped its slice, because it was computed with weights too old
  /// A slice was not sent, because its shard was away, or nobody knows whether it was applied, because the
  /// link was lost.
  std::uint64_t lost = 0;
};

/// The learner's side of all shards. Used by one thread.
class WeightShards {
 public:
  virtual ~WeightShards() = default;

  /// Waits until every shard has been joined. `keep_waiting` is called several times a second; once it
  /// returns false this gives up and returns false. Throws IoError when a shard did not come in time or
  /// refuses this learner, and ArgumentError when the shards' slices are not those of one vector, each once.
  virtual bool join(const std::function<bool()>& keep_waiting) = 0;

  /// How many slices there are, once joined.
  virtual std::size_t slices() const = 0;

  /// Hands gradients to the shards and waits until each shard has answered, and as long as is agreed for
  /// shards that are away. Throws IoError when a shard stays away too long, or refuses this learner's
  /// gradients. When `keep_waiting` returned false, gradients that are on their way count as lost.
  virtual ShardReply apply(std::span<const ShardGradient> gradients,
                           const std::function<bool()>& keep_waiting) = 0;

  /// Copies the newest weights that are known, and the optimizer steps that each slice of them had seen, into
  /// `weights` and `versions`, which has slices() elements.
  virtual void read(std::span<float> weights, std::span<std::uint64_t> versions) const = 0;
};

/// What a learner tells its shards of what it trains.
struct ShardLearner {
  const ParameterLayout& layout;  ///< of all weights
  PolicyDescription policy;       ///< the shards' must be the same
};

/// Makes the learner's side, in the process that hands gradients over and after it was forked.
using WeightShardsFactory = std::function<std::unique_ptr<WeightShards>(const ShardLearner&)>;

}  // namespace genkidama
