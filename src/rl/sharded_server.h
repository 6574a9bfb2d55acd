#pragma once

// The process that hands the workers' gradients to shards elsewhere (Sharing::kServer, weights at shards).

#include <functional>
#include <memory>
#include <vector>

#include "genkidama/params/weight_shards.h"
#include "rl/gradient_queue.h"
#include "rl/shared_training.h"

namespace genkidama {

/// Has the last index at the barrier, behind the workers'. It makes no environment and no network, and is the
/// only process of the machine with links.
class ShardedServer {
 public:
  /// Joins the shards. Throws what WeightShards::join() throws, and WorkerError when the training ends first.
  ShardedServer(const std::function<std::unique_ptr<WeightShards>()>& make_shards, SharedTraining& shared,
                int index, const std::function<bool()>& lead_alive);

  /// In a round: writes the shards' weights, then hands gradients over, as many at once as are there, and
  /// writes the weights that come back, until all workers have arrived at the barrier. Otherwise does
  /// nothing.
  void obey(const WorkerOrder& order);

 private:
  void join();
  void write_weights();
  void give_up_begun_ones();
  bool have_all_given_up() const;
  bool keeps_waiting();

  SharedTraining& shared_;
  WorkerReport& report_;
  const std::function<bool()> lead_alive_;
  std::unique_ptr<WeightShards> shards_;
  std::vector<float> weights_;
  std::vector<std::uint64_t> versions_;
  std::vector<GradientQueue::Item> items_;
  std::vector<ShardGradient> gradients_;
};

}  // namespace genkidama
