#include "run/merge_watch.h"

#include <utility>

#include "run/divergence.h"

namespace genkidama::run {

MergeWatch::MergeWatch(ParameterLayout layout, RunOptions options, PolicyAverage average)
    : layout_(std::move(layout)), options_(std::move(options)), average_(std::move(average)) {}

bool MergeWatch::follow(const ParentUpdate& update, double share_done) {
  auto problem = find_divergence(update.weights, layout_, options_);
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

}  // namespace genkidama::run
