#include "orchestrator/replay_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"

namespace genkidama {
namespace {

constexpr const char* kStored = "replay_stored";
// States written before actions could have several components have no such field; theirs have one.
constexpr const char* kActionWidth = "replay_action_width";
// Only where actions are masked.
constexpr const char* kMaskWidth = "replay_mask_width";

// Only where rows have priorities.
constexpr const char* kLargestPriority = "replay_largest_priority";

std::string priorities_of(std::size_t worker) {
  return fmt::format("replay_priorities.{}", worker);
}

std::string rows_of(std::size_t worker) {
  return fmt::format("replay.{}", worker);
}

/// So that a share need not be in memory a second time.
constexpr std::size_t kRowsAtOnce = 1024;

/// A row holds observation, action, reward, next observation, terminated, truncated, mask.
constexpr std::size_t kOtherValues = 3;

/// Returns where the next row goes.
float* save_rows(const TransitionBatch& rows, float* to) {
  const auto put = [&](const auto& column, std::size_t row) {
    const std::size_t size = column.size() / rows.size();
    to = std::copy_n(column.data() + row * size, size, to);
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    put(rows.observations, i);
    put(rows.actions, i);
    put(rows.rewards, i);
    put(rows.next_observations, i);
    *to++ = rows.terminated[i];
    *to++ = rows.truncated[i];
    put(rows.next_masks, i);
  }
  return to;
}

void save_priorities(StateWriter& state, const ReplayBuffer& replay, int worker, std::size_t count) {
  const auto priorities =
      state.floats(priorities_of(static_cast<std::size_t>(worker)), {static_cast<std::int64_t>(count)});
  const std::uint64_t first = replay.stored(worker) - count;
  for (std::size_t i = 0; i < count; ++i) priorities[i] = replay.priority({worker, first + i});
}

bool are_priorities(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(),
                     [](float value) { return is_finite(value) && value >= 0; });
}

/// At most `most`. A killed worker may have overwritten the oldest row, or half of it.
std::size_t readable_rows(const ReplayBuffer& replay, int worker, std::size_t most) {
  std::size_t count = std::min(most, replay.size(worker));
  while (count > 0 && replay.in_time_order(worker, 1, count - 1).size() == 0) --count;
  return count;
}

}  // namespace

void save_replay(StateWriter& state, const ReplayBuffer& replay, std::size_t rows) {
  std::vector<std::uint64_t> stored;
  bool any = false;
  for (int worker = 0; worker < replay.cores(); ++worker) {
    stored.push_back(replay.stored(worker));
    const std::size_t count = readable_rows(replay, worker, rows);
    if (count == 0) continue;
    any = true;
    const auto values =
        state.floats(rows_of(static_cast<std::size_t>(worker)),
                     {static_cast<std::int64_t>(count), static_cast<std::int64_t>(replay.row_size())});
    float* to = values.data();
    for (std::size_t left = count; left > 0; left -= std::min(left, kRowsAtOnce)) {
      const std::size_t take = std::min(left, kRowsAtOnce);
      to = save_rows(replay.in_time_order(worker, take, left - take), to);
    }
    if (replay.is_prioritised()) save_priorities(state, replay, worker, count);
  }
  state.u64s(kStored, stored);
  if (!any) return;
  state.u64(kActionWidth, static_cast<std::uint64_t>(replay.action_width()));
  if (replay.is_prioritised()) state.floats(kLargestPriority, {1})[0] = replay.largest_priority();
  if (replay.mask_width() > 0) state.u64(kMaskWidth, static_cast<std::uint64_t>(replay.mask_width()));
}

SavedReplay::SavedReplay(const StateReader& state)
    : source_(state.source()),
      action_(static_cast<std::size_t>(state.u64_or(kActionWidth, 1))),
      mask_(static_cast<std::size_t>(state.u64_or(kMaskWidth, 0))) {
  if (const auto largest = state.floats(kLargestPriority).values; largest.size() == 1)
    largest_priority_ = largest[0];
  for (const std::uint64_t stored : state.u64s(kStored)) {
    const auto [values, shape] = state.floats(rows_of(shares_.size()));
    Share share{stored, 0, 0, values, state.floats(priorities_of(shares_.size())).values};
    if (!values.empty()) {
      const auto width = shape.size() == 2 ? static_cast<std::size_t>(shape[1]) : 0;
      const bool is_row = action_ > 0 && action_ <= width && mask_ <= width - action_ &&
                          width >= action_ + mask_ + kOtherValues + 2 &&
                          (width - action_ - mask_ - kOtherValues) % 2 == 0;
      share.rows = is_row ? static_cast<std::size_t>(shape[0]) : 0;
      if (!is_row || share.rows > stored) {
        throw FormatError(fmt::format("{}: its '{}' {} is no part of a replay buffer", source_,
                                      rows_of(shares_.size()), shape_text(shape)));
      }
      share.observation = (width - action_ - mask_ - kOtherValues) / 2;
    }
    const bool are_there = share.priorities.empty() || share.priorities.size() == share.rows;
    if (!are_there || !are_priorities(share.priorities) || !are_priorities({&largest_priority_, 1})) {
      throw FormatError(fmt::format("{}: its '{}' are no priorities of {} rows of a replay buffer", source_,
                                    priorities_of(shares_.size()), share.rows));
    }
    shares_.push_back(share);
  }
}

void SavedReplay::check_fits(const ReplayBuffer& replay) const {
  for (const Share& share : shares_) {
    if (share.rows == 0 || (share.observation == static_cast<std::size_t>(replay.observation_size()) &&
                            action_ == static_cast<std::size_t>(replay.action_width()) &&
                            mask_ == static_cast<std::size_t>(replay.mask_width()))) {
      continue;
    }
    throw LayoutError(
        fmt::format("{}: the rows of its replay buffer have {} observation, {} action and {} mask values; "
                    "{}, {} and {} are "
                    "expected: go on with the environment that it was written with",
                    source_, share.observation, action_, mask_, replay.observation_size(),
                    replay.action_width(), replay.mask_width()));
  }
}

ReplayShare SavedReplay::share(std::size_t worker) const {
  const Share& share = shares_[worker];
  ReplayShare result{share.stored, {}, {share.priorities.begin(), share.priorities.end()}, largest_priority_};
  TransitionBatch& rows = result.newest;
  const float* value = share.values.data();
  const auto take = [&value](std::vector<float>& into, std::size_t size) {
    into.insert(into.end(), value, value + size);
    value += size;
  };
  for (std::size_t i = 0; i < share.rows; ++i) {
    take(rows.observations, share.observation);
    take(rows.actions, action_);
    take(rows.rewards, 1);
    take(rows.next_observations, share.observation);
    rows.terminated.push_back(*value++ != 0);
    rows.truncated.push_back(*value++ != 0);
    for (std::size_t k = 0; k < mask_; ++k) rows.next_masks.push_back(*value++ != 0);
  }
  return result;
}

}  // namespace genkidama
