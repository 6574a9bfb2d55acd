#include "genkidama/ipc/replay_buffer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <limits>
#include <memory_resource>
#include <thread>
#include <unordered_set>

#include "genkidama/core/error.h"
#include "ipc/row_draws.h"

namespace genkidama {
namespace {

template <typename T>
std::atomic_ref<T> atomically(T& value) {
  static_assert(std::atomic_ref<T>::is_always_lock_free, "a lock would be private to each process");
  return std::atomic_ref<T>(value);
}

std::size_t checked_product(std::size_t a, std::size_t b) {
  if (b > std::numeric_limits<std::size_t>::max() / a) {
    throw IoError(
        fmt::format("a replay buffer with {} times {} values cannot be addressed; ask for less", a, b));
  }
  return a * b;
}

template <typename T>
T at_least_one(T value, const char* name) {
  if (value < 1)
    throw ArgumentError(fmt::format("a replay buffer with {} = {}; give at least 1", name, value));
  return value;
}

/// What drawing a sample takes beside the sample: on the stack for samples of up to 512 rows and 64 cores.
class Scratch {
 public:
  std::pmr::memory_resource& memory() { return memory_; }

 private:
  std::array<std::byte, 24 * 1024> bytes_;
  std::pmr::monotonic_buffer_resource memory_{bytes_.data(), bytes_.size()};
};

/// The rows that `core` (or each core) has filled by now.
RowIndex filled_rows(const ReplayBuffer& buffer, int core, Scratch& scratch) {
  RowIndex index(buffer.capacity(), static_cast<std::size_t>(buffer.cores()), scratch.memory());
  const int first = core == ReplayBuffer::kAllCores ? 0 : core;
  const int last = core == ReplayBuffer::kAllCores ? buffer.cores() - 1 : core;
  for (int i = first; i <= last; ++i) {
    const std::uint64_t rows = std::min<std::uint64_t>(buffer.stored(i), buffer.capacity());
    index.add(static_cast<std::size_t>(i), static_cast<std::size_t>(rows));
  }
  return index;
}

void drop_first(TransitionBatch& batch, std::size_t count) {
  const std::size_t rows = batch.size();
  if (count == 0) return;
  const auto drop = [&](auto& column) {
    column.erase(column.begin(), column.begin() + static_cast<std::ptrdiff_t>(column.size() / rows * count));
  };
  drop(batch.observations);
  drop(batch.actions);
  drop(batch.next_observations);
  drop(batch.terminated);
  drop(batch.truncated);
  drop(batch.next_masks);
  drop(batch.rewards);
}

}  // namespace

// A row is read right although it may be overwritten meanwhile, because its words are stored with release and
// loaded with acquire order: a reader that meets one word of a later transition also meets that transition's
// odd version (or a later one) when it looks at the version again. This needs no fence, costs nothing on x86,
// and ThreadSanitizer understands it.

ReplayBuffer::ReplayBuffer(int cores, std::size_t capacity, int observation_size, int action_width,
                           int mask_width)
    : cores_(at_least_one(cores, "cores")),
      capacity_(at_least_one(capacity, "capacity")),
      observation_size_(at_least_one(observation_size, "observation_size")),
      action_width_(at_least_one(action_width, "action_width")),
      mask_width_(mask_width) {
  if (mask_width < 0) throw ArgumentError(fmt::format("mask_width is {}; expected at least 0", mask_width));
  const std::size_t rows = checked_product(static_cast<std::size_t>(cores), capacity);
  words_ = SharedArray<Word>(checked_product(row_size(), rows), "the replay buffer");
  versions_ = SharedArray<std::uint64_t>(rows, "the replay buffer's versions");
  stored_ = SharedArray<std::uint64_t>(static_cast<std::size_t>(cores), "the replay buffer's counters");
}

std::size_t ReplayBuffer::check_core(int core) const {
  if (core < 0 || core >= cores_) {
    throw ArgumentError(
        fmt::format("core {} of a replay buffer for {}; they count from 0 to {}", core, cores_, cores_ - 1));
  }
  return static_cast<std::size_t>(core);
}

void ReplayBuffer::store(int core, const Transition& transition) {
  const std::size_t share = check_core(core);
  const std::size_t size = static_cast<std::size_t>(observation_size_);
  if (transition.before.size() != size || transition.after.size() != size) {
    throw ArgumentError(
        fmt::format("a transition with observations of {} and {} numbers; this replay buffer's have {}",
                    transition.before.size(), transition.after.size(), size));
  }
  if (transition.action.size() != static_cast<std::size_t>(action_width_)) {
    throw ArgumentError(fmt::format("a transition with an action of {} numbers; this replay buffer's have {}",
                                    transition.action.size(), action_width_));
  }
  const auto mask_width = static_cast<std::size_t>(mask_width_);
  if (!transition.after_mask.empty() && transition.after_mask.size() != mask_width) {
    throw ArgumentError(fmt::format("a transition with a mask of {} bytes; this replay buffer's have {}",
                                    transition.after_mask.size(), mask_width));
  }
  // Only this worker writes its own counter.
  std::uint64_t number = atomically(stored_[share]).load(std::memory_order_relaxed);
  const auto row_of = [&] { return share * capacity_ + static_cast<std::size_t>(number % capacity_); };
  std::size_t row = row_of();
  // One that was killed between its row and the counter left a whole row. To write it once more with the same
  // version would look to a reader in the middle of it as if nothing had changed.
  if (atomically(versions_[row]).load(std::memory_order_relaxed) == 2 * (number + 1)) {
    ++number;
    row = row_of();
  }
  const auto version = atomically(versions_[row]);
  version.store(2 * number + 1, std::memory_order_relaxed);
  Word* word = words_.data() + row * row_size();
  const auto write = [&word](Word value) { atomically(*word++).store(value, std::memory_order_release); };
  const auto write_floats = [&word](std::span<const float> values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      atomically(word[i]).store(std::bit_cast<Word>(values[i]), std::memory_order_release);
    }
    word += values.size();
  };
  write_floats(transition.before);
  write_floats(transition.action);
  write(std::bit_cast<Word>(transition.reward));
  write_floats(transition.after);
  write(transition.terminated ? 1 : 0);
  write(transition.truncated ? 1 : 0);
  for (std::size_t k = 0; k < mask_width; ++k)
    write(transition.after_mask.empty() || transition.after_mask[k] != 0 ? 1 : 0);
  version.store(2 * (number + 1), std::memory_order_release);
  atomically(stored_[share]).store(number + 1, std::memory_order_release);
}

std::uint64_t ReplayBuffer::stored(int core) const {
  return atomically(stored_[check_core(core)]).load(std::memory_order_acquire);
}

std::size_t ReplayBuffer::size(int core) const {
  if (core == kAllCores) {
    std::size_t total = 0;
    for (int i = 0; i < cores_; ++i) total += size(i);
    return total;
  }
  const std::size_t share = check_core(core);
  const std::uint64_t next = stored(core);
  if (next < capacity_) return static_cast<std::size_t>(next);
  // Only the row that is written next can be unreadable.
  const std::size_t row = share * capacity_ + static_cast<std::size_t>(next % capacity_);
  const bool being_written = atomically(versions_[row]).load(std::memory_order_acquire) % 2 != 0;
  return capacity_ - (being_written ? 1 : 0);
}

/// One attempt, into row `index` of the batch, which is spoilt if it fails; `transition` is the one that the
/// row must hold, if that matters.
bool ReplayBuffer::try_read(std::size_t row, std::optional<std::uint64_t> transition, TransitionBatch& batch,
                            std::size_t index) const {
  const auto version = atomically(versions_[row]);
  const std::uint64_t before = version.load(std::memory_order_acquire);
  if (before == 0 || before % 2 != 0) return false;
  if (transition && before != 2 * (*transition + 1)) return false;
  Word* word = words_.data() + row * row_size();
  const auto next = [&word] { return atomically(*word++).load(std::memory_order_acquire); };
  const auto read_floats = [&](std::vector<float>& column, int width) {
    const auto size = static_cast<std::size_t>(width);
    for (float& value : std::span(column).subspan(index * size, size)) value = std::bit_cast<float>(next());
  };
  read_floats(batch.observations, observation_size_);
  read_floats(batch.actions, action_width_);
  read_floats(batch.rewards, 1);
  read_floats(batch.next_observations, observation_size_);
  batch.terminated[index] = static_cast<std::uint8_t>(next());
  batch.truncated[index] = static_cast<std::uint8_t>(next());
  const auto mask_width = static_cast<std::size_t>(mask_width_);
  for (std::uint8_t& byte : std::span(batch.next_masks).subspan(index * mask_width, mask_width))
    byte = static_cast<std::uint8_t>(next());
  return version.load(std::memory_order_relaxed) == before;
}

bool ReplayBuffer::read(std::size_t row, TransitionBatch& batch, std::size_t index) const {
  // A live writer needs far less than a microsecond, or the processor that this gives it; a killed one never
  // ends.
  constexpr int kAttempts = 200;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (try_read(row, std::nullopt, batch, index)) return true;
    std::this_thread::yield();
  }
  return false;
}

void ReplayBuffer::resize(TransitionBatch& batch, std::size_t count) const {
  const auto observation = static_cast<std::size_t>(observation_size_);
  batch.observations.resize(count * observation);
  batch.actions.resize(count * static_cast<std::size_t>(action_width_));
  batch.rewards.resize(count);
  batch.next_observations.resize(count * observation);
  batch.terminated.resize(count);
  batch.truncated.resize(count);
  batch.next_masks.resize(count * static_cast<std::size_t>(mask_width_));
}

void ReplayBuffer::sample_with_replacement(Random& random, std::size_t count, TransitionBatch& batch,
                                           int core) const {
  Scratch scratch;
  const RowIndex index = filled_rows(*this, core, scratch);
  resize(batch, count);
  // At most one row per core, unless writers are stopped midway.
  std::pmr::unordered_set<std::size_t> spoiled(&scratch.memory());
  for (std::size_t done = 0; done < count;) {
    if (spoiled.size() == index.size()) {
      throw ArgumentError(fmt::format(
          "no row of the replay buffer can be drawn ({} stored); store some first", index.size()));
    }
    const std::size_t row = index.row(static_cast<std::size_t>(random.below(index.size())));
    if (spoiled.contains(row)) continue;
    if (read(row, batch, done)) {
      ++done;
    } else {
      spoiled.insert(row);
    }
  }
}

void ReplayBuffer::sample_without_replacement(Random& random, std::size_t count, TransitionBatch& batch,
                                              int core) const {
  Scratch scratch;
  const RowIndex index = filled_rows(*this, core, scratch);
  std::size_t done = 0;
  if (count <= index.size()) {
    LazyShuffle shuffle(index.size(), count, scratch.memory());
    resize(batch, count);
    while (done < count && !shuffle.empty()) {
      if (read(index.row(shuffle.next(random)), batch, done)) ++done;
    }
  }
  if (done < count) {
    throw ArgumentError(
        fmt::format("{} different rows were asked of a replay buffer that has {}; store more first", count,
                    count <= index.size() ? done : index.size()));
  }
}

TransitionBatch ReplayBuffer::sample_with_replacement(Random& random, std::size_t count, int core) const {
  TransitionBatch batch;
  sample_with_replacement(random, count, batch, core);
  return batch;
}

TransitionBatch ReplayBuffer::sample_without_replacement(Random& random, std::size_t count, int core) const {
  TransitionBatch batch;
  sample_without_replacement(random, count, batch, core);
  return batch;
}

TransitionBatch ReplayBuffer::in_time_order(int core, std::size_t count) const {
  const std::size_t share = check_core(core);
  const std::uint64_t end = stored(core);
  const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>({count, end, capacity_}));
  TransitionBatch batch;
  resize(batch, wanted);
  // From the newest back: the core overwrites from the other end, so what is read has no gap.
  std::size_t left = wanted;
  while (left > 0) {
    const std::uint64_t transition = end - (wanted - left) - 1;
    const std::size_t row = share * capacity_ + static_cast<std::size_t>(transition % capacity_);
    if (!try_read(row, transition, batch, left - 1)) break;
    --left;
  }
  drop_first(batch, left);
  return batch;
}

ReplayShare ReplayBuffer::share(int core, std::size_t count) const {
  return {stored(core), in_time_order(core, count)};
}

void ReplayBuffer::clear(std::size_t share) {
  for (std::size_t row = share * capacity_; row < (share + 1) * capacity_; ++row) {
    atomically(versions_[row]).store(0, std::memory_order_relaxed);
  }
}

void ReplayBuffer::restore(int core, const ReplayShare& share) {
  const std::size_t index = check_core(core);
  const TransitionBatch& rows = share.newest;
  const std::size_t count = rows.size();
  const std::size_t size = static_cast<std::size_t>(observation_size_);
  const std::size_t width = static_cast<std::size_t>(action_width_);
  const std::size_t mask_width = static_cast<std::size_t>(mask_width_);
  if (count > share.stored || rows.actions.size() != count * width ||
      rows.observations.size() != count * size || rows.next_observations.size() != count * size ||
      rows.terminated.size() != count || rows.truncated.size() != count ||
      rows.next_masks.size() != count * mask_width) {
    throw ArgumentError(
        fmt::format("the saved share of core {} has {} rows of {} ever stored, with {} observation and {} "
                    "action values; this "
                    "replay buffer's rows have {} and {}",
                    core, count, share.stored, rows.observations.size(), rows.actions.size(), size, width));
  }
  clear(index);
  const std::size_t kept = std::min(count, capacity_);
  atomically(stored_[index]).store(share.stored - kept, std::memory_order_relaxed);
  for (std::size_t i = count - kept; i < count; ++i) {
    store(core, {.before = std::span(rows.observations).subspan(i * size, size),
                 .action = std::span(rows.actions).subspan(i * width, width),
                 .reward = rows.rewards[i],
                 .after = std::span(rows.next_observations).subspan(i * size, size),
                 .terminated = rows.terminated[i] != 0,
                 .truncated = rows.truncated[i] != 0,
                 .after_mask = std::span(rows.next_masks).subspan(i * mask_width, mask_width)});
  }
}

}  // namespace genkidama
