#include "rl/segment_slots.h"

#include <algorithm>
#include <utility>

namespace genkidama {

SegmentSlots::SegmentSlots(std::size_t slots)
    : heads_(slots, "slots of segments"),
      next_(1, "slots of segments"),
      dropped_steps_(1, "slots of segments"),
      stopped_(1, "slots of segments") {}

std::optional<std::size_t> SegmentSlots::filling(int worker) const {
  const std::uint64_t own = state_of(Stage::kFilling, static_cast<std::uint64_t>(worker));
  for (std::size_t slot = 0; slot < heads_.size(); ++slot) {
    if (heads_[slot].state.load(std::memory_order_acquire) == own) return slot;
  }
  return std::nullopt;
}

std::optional<std::size_t> SegmentSlots::begin(int worker, FullQueue when_full) {
  const std::uint64_t own = state_of(Stage::kFilling, static_cast<std::uint64_t>(worker));
  while (true) {
    std::optional<std::size_t> best;
    std::uint64_t best_state = 0;
    for (std::size_t slot = 0; slot < heads_.size(); ++slot) {
      const std::uint64_t state = heads_[slot].state.load(std::memory_order_acquire);
      const Stage stage = stage_of(state);
      const bool may_have =
          stage == Stage::kFree || (stage == Stage::kQueued && when_full == FullQueue::kDropOldest);
      if (!may_have) continue;
      // A free one comes before all that are queued.
      const auto rank = [](std::uint64_t of) {
        return std::pair(stage_of(of) != Stage::kFree, number_of(of));
      };
      if (best && rank(best_state) <= rank(state)) continue;
      best = slot;
      best_state = state;
    }
    if (!best) return std::nullopt;
    Head& head = heads_[*best];
    // Another worker may have taken it meanwhile.
    if (!head.state.compare_exchange_strong(best_state, own, std::memory_order_acq_rel)) continue;
    const std::uint64_t steps = head.steps.exchange(0, std::memory_order_relaxed);
    if (stage_of(best_state) == Stage::kQueued) dropped_steps_[0].fetch_add(steps, std::memory_order_relaxed);
    return best;
  }
}

void SegmentSlots::abandon(std::size_t slot) {
  dropped_steps_[0].fetch_add(heads_[slot].steps.exchange(0, std::memory_order_relaxed),
                              std::memory_order_relaxed);
}

void SegmentSlots::finish(std::size_t slot) {
  const std::uint64_t place = next_[0].fetch_add(1, std::memory_order_relaxed) + 1;
  heads_[slot].state.store(state_of(Stage::kQueued, place), std::memory_order_release);
}

std::uint64_t SegmentSlots::queued_steps() const {
  std::uint64_t sum = 0;
  for (const Head& head : heads_.span()) {
    if (stage_of(head.state.load(std::memory_order_acquire)) == Stage::kQueued)
      sum += head.steps.load(std::memory_order_relaxed);
  }
  return sum;
}

std::vector<std::size_t> SegmentSlots::slots_in(Stage stage) const {
  std::vector<std::pair<std::uint64_t, std::size_t>> found;
  for (std::size_t slot = 0; slot < heads_.size(); ++slot) {
    const std::uint64_t state = heads_[slot].state.load(std::memory_order_acquire);
    if (stage_of(state) == stage) found.emplace_back(number_of(state), slot);
  }
  std::sort(found.begin(), found.end());
  std::vector<std::size_t> slots;
  for (const auto& [number, slot] : found) slots.push_back(slot);
  return slots;
}

void SegmentSlots::claim(std::uint64_t steps) {
  std::uint64_t sum = 0;
  for (const std::size_t slot : slots_in(Stage::kQueued)) {
    if (sum >= steps) return;
    sum += this->steps(slot);
    std::atomic<std::uint64_t>& state = heads_[slot].state;
    state = state_of(Stage::kClaimed, number_of(state));
  }
}

std::vector<std::size_t> SegmentSlots::claimed() const {
  return slots_in(Stage::kClaimed);
}

void SegmentSlots::release() {
  for (const std::size_t slot : claimed()) heads_[slot].state = state_of(Stage::kFree, 0);
}

void SegmentSlots::reset() {
  for (Head& head : heads_.span()) {
    head.state = state_of(Stage::kFree, 0);
    head.steps = 0;
  }
}

}  // namespace genkidama
