#include "net/upper_parent/merged_trainer.h"

#include <span>
#include <string>
#include <utility>

#include "core/fnv1a.h"
#include "genkidama/wire/protocol.h"

namespace genkidama {
namespace {

std::uint64_t stream_of(const std::string& run_id, const char* direction) {
  const std::string text = run_id + direction;
  return fnv1a(std::as_bytes(std::span(text))) & kMaxJsonInteger;
}

}  // namespace

// They follow from the run, so that a later process of it finds what an earlier one has written.
MergedTrainer::MergedTrainer(Parent& parent)
    : MergedWeights(stream_of(parent.options().run_id, "/above"),
                    stream_of(parent.options().run_id, "/below")),
      parent_(parent) {
  begin();
}

void MergedTrainer::merged(const ParentUpdate& update) {
  {
    const std::lock_guard lock(mutex_);
    ++open_.merges;
    open_.add(update.since_merge, update.mean_return);
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
