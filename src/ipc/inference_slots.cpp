#include "ipc/inference_slots.h"

#include <algorithm>
#include <bit>

#include "ipc/shared_semaphore.h"

namespace genkidama {
namespace {

constexpr std::size_t kBits = 64;

/// Whether it became true while this looked.
template <typename Condition>
bool spin_until(Clock::duration spin, Clock::time_point time, const Condition& condition) {
  if (spin == Clock::duration{}) return false;
  const auto end = std::min(time, Clock::now() + spin);
  do {
    if (condition()) return true;
  } while (Clock::now() < end);
  return false;
}

}  // namespace

InferenceSlots::InferenceSlots(std::size_t slots, const Shape& shape, int predictors, Clock::duration spin)
    : shape_(shape),
      spin_(spin),
      heads_(slots, "inference slots"),
      sleepers_(static_cast<std::size_t>(predictors), "predictors"),
      waiting_((slots + kBits - 1) / kBits, "inference slots"),
      observations_(slots * shape.rows * shape.observation, "observations to predictors"),
      states_(slots * shape.rows * shape.state, "states to predictors"),
      outputs_(slots * shape.rows * shape.outputs, "outputs of predictors"),
      next_states_(slots * shape.rows * shape.state, "states of predictors") {
  for (Head& head : heads_.span()) make_semaphore(head.answered);
  for (Sleeper& sleeper : sleepers_.span()) make_semaphore(sleeper.requests);
}

std::span<float> InferenceSlots::observations(std::size_t slot, std::size_t rows) const {
  return part(observations_, slot, rows, shape_.observation);
}

std::span<float> InferenceSlots::states(std::size_t slot, std::size_t rows) const {
  return part(states_, slot, rows, shape_.state);
}

std::span<float> InferenceSlots::outputs(std::size_t slot, std::size_t rows) const {
  return part(outputs_, slot, rows, shape_.outputs);
}

std::span<float> InferenceSlots::next_states(std::size_t slot, std::size_t rows) const {
  return part(next_states_, slot, rows, shape_.state);
}

void InferenceSlots::ask(std::size_t slot, std::size_t rows) {
  Head& head = heads_[slot];
  head.rows.store(rows, std::memory_order_relaxed);
  const std::uint64_t request = request_of(head.state.load(std::memory_order_relaxed)) + 1;
  head.state.store(state_of(Stage::kWaiting, 0, request), std::memory_order_release);
  ring(slot);
}

// The bit is set before the sleepers are looked at, and a sleeper says that it sleeps before it looks at the
// bits: in the one order that both see, one of them sees the other.
void InferenceSlots::ring(std::size_t slot) {
  waiting_[slot / kBits].fetch_or(std::uint64_t{1} << slot % kBits, std::memory_order_seq_cst);
  const std::size_t predictors = sleepers_.size();
  for (std::size_t i = 0; i < predictors; ++i) {
    Sleeper& sleeper = sleepers_[(slot + i) % predictors];
    if (!sleeper.sleeps.load(std::memory_order_seq_cst)) continue;
    if (!sleeper.sleeps.exchange(false, std::memory_order_seq_cst)) continue;
    ::sem_post(&sleeper.requests);
    return;
  }
}

bool InferenceSlots::is_answered(std::size_t slot) const {
  return stage_of(heads_[slot].state.load(std::memory_order_acquire)) == Stage::kAnswered;
}

void InferenceSlots::wait_for_answer(std::size_t slot, Deadline deadline) {
  if (spin_until(spin_, deadline.at(), [&] { return is_answered(slot); })) return;
  Head& head = heads_[slot];
  drain(head.answered);
  head.sleeps.store(true, std::memory_order_seq_cst);
  if (stage_of(head.state.load(std::memory_order_seq_cst)) != Stage::kAnswered)
    sleep_on(head.answered, deadline);
  head.sleeps.store(false, std::memory_order_relaxed);
}

bool InferenceSlots::take_back(std::size_t slot) {
  std::atomic<std::uint64_t>& state = heads_[slot].state;
  std::uint64_t now = state.load(std::memory_order_acquire);
  while (stage_of(now) != Stage::kTaken) {
    const std::uint64_t idle = state_of(Stage::kIdle, 0, request_of(now));
    if (state.compare_exchange_weak(now, idle, std::memory_order_acq_rel)) return true;
  }
  return false;
}

void InferenceSlots::begin(int predictor) {
  sleepers_[static_cast<std::size_t>(predictor)].sleeps = false;
  for (std::size_t slot = 0; slot < heads_.size(); ++slot) {
    std::atomic<std::uint64_t>& state = heads_[slot].state;
    std::uint64_t now = state.load(std::memory_order_acquire);
    const bool is_own =
        stage_of(now) == Stage::kTaken && predictor_of(now) == static_cast<std::uint64_t>(predictor);
    // One that died between the bit and the slot has left a slot that waits without its bit.
    if (!is_own && stage_of(now) != Stage::kWaiting) continue;
    const std::uint64_t waits = state_of(Stage::kWaiting, 0, request_of(now));
    if (!is_own || state.compare_exchange_strong(now, waits, std::memory_order_acq_rel)) ring(slot);
  }
}

bool InferenceSlots::try_take(int predictor, std::size_t slot) {
  std::atomic<std::uint64_t>& state = heads_[slot].state;
  std::uint64_t now = state.load(std::memory_order_acquire);
  const std::uint64_t taken = state_of(Stage::kTaken, static_cast<std::uint64_t>(predictor), request_of(now));
  return stage_of(now) == Stage::kWaiting &&
         state.compare_exchange_strong(now, taken, std::memory_order_acq_rel);
}

std::size_t InferenceSlots::take(int predictor, std::size_t rows, std::size_t most_rows,
                                 std::vector<std::size_t>& slots) {
  const std::size_t before = rows;
  std::size_t& first = sleepers_[static_cast<std::size_t>(predictor)].next_word;
  const std::size_t words = waiting_.size();
  for (std::size_t i = 0; i < words; ++i) {
    const std::size_t word = (first + i) % words;
    std::uint64_t bits = waiting_[word].load(std::memory_order_acquire);
    while (bits != 0) {
      if (!slots.empty() && rows >= most_rows) {
        first = word;
        return rows - before;
      }
      const auto bit = static_cast<std::size_t>(std::countr_zero(bits));
      const std::uint64_t mask = std::uint64_t{1} << bit;
      bits &= ~mask;
      const std::size_t slot = word * kBits + bit;
      if (slots.size() > 0 && rows + this->rows(slot) > most_rows) continue;
      // Whoever clears the bit has the slot, if it waits.
      if ((waiting_[word].fetch_and(~mask, std::memory_order_acq_rel) & mask) == 0) continue;
      if (!try_take(predictor, slot)) continue;
      slots.push_back(slot);
      rows += this->rows(slot);
    }
  }
  first = (first + 1) % words;
  return rows - before;
}

void InferenceSlots::answer(int predictor, std::size_t slot) {
  Head& head = heads_[slot];
  std::uint64_t now = head.state.load(std::memory_order_relaxed);
  const bool is_own =
      stage_of(now) == Stage::kTaken && predictor_of(now) == static_cast<std::uint64_t>(predictor);
  const std::uint64_t answered = state_of(Stage::kAnswered, 0, request_of(now));
  if (!is_own || !head.state.compare_exchange_strong(now, answered, std::memory_order_seq_cst)) return;
  if (head.sleeps.load(std::memory_order_seq_cst)) ::sem_post(&head.answered);
}

void InferenceSlots::wake_predictors() {
  for (Sleeper& sleeper : sleepers_.span()) {
    if (sleeper.sleeps.exchange(false, std::memory_order_seq_cst)) ::sem_post(&sleeper.requests);
  }
}

bool InferenceSlots::does_anything_wait() const {
  for (const auto& word : waiting_.span()) {
    if (word.load(std::memory_order_seq_cst) != 0) return true;
  }
  return false;
}

void InferenceSlots::wait_for_requests(int predictor, Clock::time_point time) {
  if (spin_until(spin_, time, [&] { return does_anything_wait(); })) return;
  Sleeper& sleeper = sleepers_[static_cast<std::size_t>(predictor)];
  drain(sleeper.requests);
  sleeper.sleeps.store(true, std::memory_order_seq_cst);
  if (!does_anything_wait()) sleep_until(sleeper.requests, time);
  sleeper.sleeps.store(false, std::memory_order_relaxed);
}

}  // namespace genkidama
