#include "orchestrator/replay_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>

#include "genkidama/core/error.h"

namespace genkidama {
namespace {

constexpr const char* kStored = "replay_stored";
// States written before actions could have several components have no such field; theirs have one.
constexpr const char* kActionWidth = "replay_action_width";
// Only where actions are masked.
constexpr const char* kMaskWidth = "replay_mask_width";

std::string rows_of(std::size_t worker) {
  return fmt::format("replay.{}", worker);
}

/// A row holds observation, action, reward, next observation, terminated, truncated, mask.
constexpr std::size_t kOtherValues = 3;

void save_rows(const TransitionBatch& rows, float* to) {
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
}

}  // namespace

void save_replay(StateWriter& state, const ReplayBuffer& replay, std::size_t rows) {
  std::vector<std::uint64_t> stored;
  bool any = false;
  for (int worker = 0; worker < replay.cores(); ++worker) {
    const ReplayShare share = replay.share(worker, rows);
    stored.push_back(share.stored);
    const std::size_t count = share.newest.size();
    if (count == 0) continue;
    any = true;
    const auto values =
        state.floats(rows_of(static_cast<std::size_t>(worker)),
                     {static_cast<std::int64_t>(count), static_cast<std::int64_t>(replay.row_size())});
    save_rows(share.newest, values.data());
  }
  state.u64s(kStored, stored);
  if (!any) return;
  state.u64(kActionWidth, static_cast<std::uint64_t>(replay.action_width()));
  if (replay.mask_width() > 0) state.u64(kMaskWidth, static_cast<std::uint64_t>(replay.mask_width()));
}

SavedReplay::SavedReplay(const StateReader& state)
    : source_(state.source()),
      action_(static_cast<std::size_t>(state.u64_or(kActionWidth, 1))),
      mask_(static_cast<std::size_t>(state.u64_or(kMaskWidth, 0))) {
  for (const std::uint64_t stored : state.u64s(kStored)) {
    const auto [values, shape] = state.floats(rows_of(shares_.size()));
    Share share{stored, 0, 0, values};
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
  ReplayShare result{share.stored, {}};
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
