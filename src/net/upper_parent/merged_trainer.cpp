#include "net/upper_parent/merged_trainer.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "core/fnv1a.h"
#include "genkidama/core/error.h"
#include "genkidama/wire/protocol.h"

namespace genkidama {
namespace {

std::uint64_t stream_of(const std::string& run_id, const char* direction) {
  const std::string text = run_id + direction;
  return fnv1a(std::as_bytes(std::span(text))) & kMaxJsonInteger;
}

}  // namespace

MergedTrainer::MergedTrainer(Parent& parent)
    : parent_(parent),
      stream_above_(stream_of(parent.options().run_id, "/above")),
      stream_below_(stream_of(parent.options().run_id, "/below")),
      known_(parent.weights()) {}

RoundReport MergedTrainer::train_round() {
  throw Error("a Parent does not train; its Children do");
}

void MergedTrainer::read_weights(std::span<float> out) const {
  known_ = parent_.weights();
  std::copy(known_.begin(), known_.end(), out.begin());
}

void MergedTrainer::write_weights(std::span<const float> in) {
  // A Parent that has ended needs no weights any more.
  parent_.change_weights(known_, in);
  known_.assign(in.begin(), in.end());
}

NumberedStatistics MergedTrainer::own_statistics() const {
  return {stream_below_, parent_.statistics().all_but(stream_above_)};
}

void MergedTrainer::write_other_statistics(const RunningStatistics& others) {
  parent_.write_statistics(stream_above_, others);
}

void MergedTrainer::merged(const ParentUpdate& update) {
  {
    const std::lock_guard lock(mutex_);
    ++open_.merges;
    open_.played += update.since_merge;
    open_.return_sum += update.mean_return * static_cast<double>(update.since_merge.episodes);
  }
  changed_.notify_all();
}

void MergedTrainer::wake() {
  {
    const std::lock_guard lock(mutex_);
    awake_ = true;
  }
  changed_.notify_all();
}

std::optional<MergedBelow> MergedTrainer::take(std::uint64_t merges, Milliseconds span) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, span, [&] { return awake_ || open_.merges >= merges; });
  if (open_.merges == 0 || (open_.merges < merges && !awake_)) return std::nullopt;
  return std::exchange(open_, {});
}

}  // namespace genkidama
