#include "run/merge_watch.h"

#include <utility>

#include "run/divergence.h"

namespace genkidama::cli {

MergeWatch::MergeWatch(ParameterLayout layout, double max_norm, PolicyAverage average)
    : layout_(std::move(layout)), max_norm_(max_norm), average_(std::move(average)) {}

bool MergeWatch::follow(const ParentUpdate& update, double share_done) {
  auto problem = find_divergence(update.weights, layout_, max_norm_);
  const std::lock_guard lock(mutex_);
  if (problem && !divergence_) divergence_ = {update.update, *std::move(problem)};
  if (divergence_) return false;
  average_.add(update.weights, share_done);
  return true;
}

std::optional<MergeWatch::Divergence> MergeWatch::divergence() const {
  const std::lock_guard lock(mutex_);
  return divergence_;
}

PolicyAverage MergeWatch::average() const {
  const std::lock_guard lock(mutex_);
  return average_;
}

}  // namespace genkidama::cli
