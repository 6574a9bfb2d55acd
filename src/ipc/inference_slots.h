#pragma once

// Observations on their way to predictors and outputs on their way back, in shared memory.

#include <semaphore.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/ipc/shared_array.h"

namespace genkidama {

/// A slot holds the observations that one worker hands over at once, and what was computed for them. Floats
/// stay where they are; what goes from one to the other is a slot's number. A slot changes hands by one
/// atomic operation on its state, and a bit for each slot tells predictors where to look, so that a process
/// that is killed at any moment leaves nothing locked: a predictor that takes a dead one's place hands back
/// what that one had taken, and a worker takes back what a dead one had asked for. Semaphores only wake.
class InferenceSlots {
 public:
  /// How many rows a slot has room for, and the floats of each. `state` is what a network with memory
  /// carries, or 0.
  struct Shape {
    std::size_t rows = 1, observation = 0, state = 0, outputs = 0;
  };

  /// `spin`: how long a wait looks again and again before it sleeps, which is sooner to see an answer than a
  /// wake-up is; for a machine with a core for everybody. Throws IoError.
  InferenceSlots(std::size_t slots, const Shape& shape, int predictors, Clock::duration spin = {});

  std::size_t size() const { return heads_.size(); }
  const Shape& shape() const { return shape_; }

  // The slots' floats lie one behind the other, so a span may go on over several slots that are full.

  /// [rows, observation] and [rows, state]: the worker writes them before ask().
  std::span<float> observations(std::size_t slot, std::size_t rows) const;
  std::span<float> states(std::size_t slot, std::size_t rows) const;
  /// [rows, outputs] and [rows, state]: a predictor writes them before answer().
  std::span<float> outputs(std::size_t slot, std::size_t rows) const;
  std::span<float> next_states(std::size_t slot, std::size_t rows) const;

  // The worker that owns the slot calls these.

  /// Hands the first `rows` rows over. The slot is the predictors' until is_answered().
  void ask(std::size_t slot, std::size_t rows);
  bool is_answered(std::size_t slot) const;
  /// Sleeps until it is answered, or the time.
  void wait_for_answer(std::size_t slot, Deadline deadline);
  /// Of a worker that takes a dead one's place. Whether the slot is free: a predictor may be at it.
  bool take_back(std::size_t slot);

  // A predictor calls these, with its number from 0.

  /// Before it takes anything: what one in whose place it works had taken waits again.
  void begin(int predictor);
  /// Adds slots that wait to `slots` and returns how many rows these have, until they have `most_rows` with
  /// `rows` that there were before, or nothing waits. At least one slot is taken if there is one.
  std::size_t take(int predictor, std::size_t rows, std::size_t most_rows, std::vector<std::size_t>& slots);
  std::size_t rows(std::size_t slot) const { return heads_[slot].rows.load(std::memory_order_relaxed); }
  /// The slot is the worker's again.
  void answer(int predictor, std::size_t slot);
  /// Sleeps until something waits, or the time.
  void wait_for_requests(int predictor, Clock::time_point time);

  /// Makes every predictor that sleeps look whether there is anything to do.
  void wake_predictors();

 private:
  enum class Stage : std::uint64_t { kIdle, kWaiting, kTaken, kAnswered };
  /// The stage, the predictor that has taken the slot, and the number of the request.
  static constexpr std::uint64_t state_of(Stage stage, std::uint64_t predictor, std::uint64_t request) {
    return request << 16 | predictor << 2 | static_cast<std::uint64_t>(stage);
  }
  static Stage stage_of(std::uint64_t state) { return static_cast<Stage>(state & 3); }
  static std::uint64_t predictor_of(std::uint64_t state) { return state >> 2 & 0x3fff; }
  static std::uint64_t request_of(std::uint64_t state) { return state >> 16; }

  struct Head {
    alignas(64) std::atomic<std::uint64_t> state{0};
    std::atomic<std::uint64_t> rows{0};
    std::atomic<bool> sleeps{false};  ///< the worker does
    sem_t answered;
  };
  struct Sleeper {
    alignas(64) std::atomic<bool> sleeps{false};
    sem_t requests;
    std::size_t next_word = 0;  ///< of the bits, where this predictor looks first
  };
  std::span<float> part(const SharedArray<float>& all, std::size_t slot, std::size_t rows,
                        std::size_t width) const {
    return all.span().subspan(slot * shape_.rows * width, rows * width);
  }
  void ring(std::size_t slot);
  bool does_anything_wait() const;
  bool try_take(int predictor, std::size_t slot);

  Shape shape_;
  Clock::duration spin_;
  SharedArray<Head> heads_;
  SharedArray<Sleeper> sleepers_;                    ///< one for each predictor
  SharedArray<std::atomic<std::uint64_t>> waiting_;  ///< a bit for each slot
  SharedArray<float> observations_, states_, outputs_, next_states_;
};

}  // namespace genkidama
