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
#include "genkidama/core/is_finite.h"
#include "ipc/check_memory.h"
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

std::size_t bytes_of(std::size_t cores, std::size_t capacity, std::size_t words, bool is_prioritised) {
  // What a row takes beside its words is less than they take: nothing overflows that did not before.
  const std::size_t of_words = checked_product(words, sizeof(std::uint32_t));
  const std::size_t of_versions = cores * capacity * sizeof(std::uint64_t);
  return of_words + of_versions + (is_prioritised ? cores * PriorityTree::bytes(capacity) : 0);
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
    const std::uint64_t stored = buffer.stored(i);
    index.add(static_cast<std::size_t>(i), buffer.oldest(i, stored), stored);
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
                           int mask_width, bool is_prioritised)
    : cores_(at_least_one(cores, "cores")),
      capacity_(at_least_one(capacity, "capacity")),
      observation_size_(at_least_one(observation_size, "observation_size")),
      action_width_(at_least_one(action_width, "action_width")),
      mask_width_(mask_width) {
  if (mask_width < 0) throw ArgumentError(fmt::format("mask_width is {}; expected at least 0", mask_width));
  const std::size_t rows = checked_product(static_cast<std::size_t>(cores), capacity);
  const std::size_t words = checked_product(row_size(), rows);
  check_memory(bytes_of(static_cast<std::size_t>(cores), capacity, words, is_prioritised),
               fmt::format("{} steps for each of {} worker{} in the replay buffer", capacity, cores,
                           cores == 1 ? "" : "s"));
  words_ = SharedArray<Word>(words, "the replay buffer");
  versions_ = SharedArray<std::uint64_t>(rows, "the replay buffer's versions");
  stored_ = SharedArray<std::uint64_t>(static_cast<std::size_t>(cores), "the replay buffer's counters");
  first_ = SharedArray<std::uint64_t>(static_cast<std::size_t>(cores), "the replay buffer's first rows");
  if (!is_prioritised) return;
  for (int core = 0; core < cores; ++core) priorities_.emplace_back(capacity);
  largest_priority_ = SharedArray<float>(1, "the replay buffer's largest priority");
  largest_priority_[0] = 1;
}

std::size_t ReplayBuffer::bytes() const {
  return bytes_of(static_cast<std::size_t>(cores_), capacity_, words_.size(), is_prioritised());
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
  std::size_t row = row_of({core, number});
  // One that was killed between its row and the counter left a whole row. To write it once more with the same
  // version would look to a reader in the middle of it as if nothing had changed.
  if (atomically(versions_[row]).load(std::memory_order_relaxed) == 2 * (number + 1)) {
    if (is_prioritised()) priorities_[share].set(row - share * capacity_, relaxed_read(largest_priority_[0]));
    ++number;
    row = row_of({core, number});
  }
  // Nobody draws a row that is being written.
  if (is_prioritised()) priorities_[share].set(row - share * capacity_, 0);
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
  if (is_prioritised()) priorities_[share].set(row - share * capacity_, relaxed_read(largest_priority_[0]));
}

void ReplayBuffer::check_prioritised() const {
  if (is_prioritised()) return;
  throw ArgumentError("a priority of a replay buffer without priorities; expected a prioritised one");
}

void ReplayBuffer::raise_largest_priority(float priority) {
  const auto largest = atomically(largest_priority_[0]);
  float now = largest.load(std::memory_order_relaxed);
  while (now < priority && !largest.compare_exchange_weak(now, priority, std::memory_order_relaxed)) {
  }
}

void ReplayBuffer::set_priority(const ReplayPlace& place, float priority) {
  check_prioritised();
  const std::size_t share = check_core(place.core);
  const std::size_t row = row_of(place);
  if (!is_finite(priority) || priority < 0) {
    throw ArgumentError(
        fmt::format("the priority of row {} of core {} is {}; expected a finite number of at "
                    "least 0",
                    row - share * capacity_, place.core, priority));
  }
  if (atomically(versions_[row]).load(std::memory_order_acquire) != 2 * (place.number + 1)) return;
  raise_largest_priority(priority);
  priorities_[share].set(row - share * capacity_, priority);
}

float ReplayBuffer::priority(const ReplayPlace& place) const {
  check_prioritised();
  const std::size_t share = check_core(place.core);
  const std::size_t row = row_of(place);
  if (atomically(versions_[row]).load(std::memory_order_acquire) != 2 * (place.number + 1)) return 0;
  return priorities_[share].get(row - share * capacity_);
}

float ReplayBuffer::largest_priority() const {
  check_prioritised();
  return relaxed_read(largest_priority_[0]);
}

void ReplayBuffer::mend_priorities(int core) {
  const std::size_t share = check_core(core);
  if (is_prioritised()) priorities_[share].rebuild();
}

/// One attempt.
bool ReplayBuffer::copy_row(const ReplayPlace& place, std::span<Word> row) const {
  const std::size_t index = row_of(place);
  const auto version = atomically(versions_[index]);
  if (version.load(std::memory_order_acquire) != 2 * (place.number + 1)) return false;
  Word* word = words_.data() + index * row_size();
  for (Word& copied : row) copied = atomically(*word++).load(std::memory_order_acquire);
  return version.load(std::memory_order_relaxed) == 2 * (place.number + 1);
}

void ReplayBuffer::prefetch_row(const ReplayPlace& place) const {
  constexpr std::size_t kLine = 64 / sizeof(Word);
  const std::size_t index = row_of(place);
  __builtin_prefetch(&versions_[index]);
  const Word* word = words_.data() + index * row_size();
  for (std::size_t i = 0; i < row_size(); i += kLine) __builtin_prefetch(word + i);
  __builtin_prefetch(word + row_size() - 1);
}

std::uint64_t ReplayBuffer::stored(int core) const {
  return atomically(stored_[check_core(core)]).load(std::memory_order_acquire);
}

std::uint64_t ReplayBuffer::oldest(int core, std::uint64_t stored) const {
  const std::uint64_t first = atomically(first_[check_core(core)]).load(std::memory_order_relaxed);
  return std::max(first, stored - std::min<std::uint64_t>(stored, capacity_));
}

std::size_t ReplayBuffer::size(int core) const {
  if (core == kAllCores) {
    std::size_t total = 0;
    for (int i = 0; i < cores_; ++i) total += size(i);
    return total;
  }
  const std::size_t share = check_core(core);
  const std::uint64_t next = stored(core);
  const auto rows = static_cast<std::size_t>(next - oldest(core, next));
  if (rows < capacity_) return rows;
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

TransitionBatch ReplayBuffer::in_time_order(int core, std::size_t count, std::size_t newer) const {
  const std::size_t share = check_core(core);
  const std::uint64_t all = stored(core);
  const std::uint64_t skipped = std::min<std::uint64_t>({newer, all, capacity_});
  const std::uint64_t end = all - skipped;
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>({count, end, capacity_ - skipped}));
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
  ReplayShare share{stored(core), in_time_order(core, count), {}, 1};
  if (!is_prioritised()) return share;
  const std::size_t rows = share.newest.size();
  for (std::size_t i = 0; i < rows; ++i)
    share.priorities.push_back(priority({core, share.stored - rows + i}));
  share.largest_priority = largest_priority();
  return share;
}

void ReplayBuffer::clear(std::size_t share) {
  for (std::size_t row = share * capacity_; row < (share + 1) * capacity_; ++row) {
    atomically(versions_[row]).store(0, std::memory_order_relaxed);
    if (is_prioritised()) priorities_[share].set(row - share * capacity_, 0);
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
      rows.next_masks.size() != count * mask_width ||
      (!share.priorities.empty() && share.priorities.size() != count)) {
    throw ArgumentError(
        fmt::format("the saved share of core {} has {} rows of {} ever stored, with {} observation and {} "
                    "action values; this "
                    "replay buffer's rows have {} and {}",
                    core, count, share.stored, rows.observations.size(), rows.actions.size(), size, width));
  }
  clear(index);
  if (is_prioritised() && share.stored > 0) relaxed_write(largest_priority_[0], share.largest_priority);
  const std::size_t kept = std::min(count, capacity_);
  atomically(first_[index]).store(share.stored - kept, std::memory_order_relaxed);
  atomically(stored_[index]).store(share.stored - kept, std::memory_order_relaxed);
  for (std::size_t i = count - kept; i < count; ++i) {
    store(core, {.before = std::span(rows.observations).subspan(i * size, size),
                 .action = std::span(rows.actions).subspan(i * width, width),
                 .reward = rows.rewards[i],
                 .after = std::span(rows.next_observations).subspan(i * size, size),
                 .terminated = rows.terminated[i] != 0,
                 .truncated = rows.truncated[i] != 0,
                 .after_mask = std::span(rows.next_masks).subspan(i * mask_width, mask_width)});
    if (is_prioritised() && !share.priorities.empty())
      set_priority({core, share.stored - count + i}, share.priorities[i]);
  }
}

}  // namespace genkidama
