#pragma once

// What crosses, in shared memory, between the workers' environments and the process with the sockets.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/ipc/shared_array.h"
#include "genkidama/wire/environment_frames.h"

namespace genkidama {

/// One slot for each environment of each worker. A worker writes requests, the lead writes answers, and each
/// request has a ticket, which its answer has too.
///
/// What is true stands in single words: `begun` and `asked` are the ticket of the newest request, before and
/// after it was written, and `answered` that of the newest answer. So a worker that is killed anywhere leaves
/// a request that is either whole or none; whoever takes its place goes on with the next ticket, and an
/// answer to an earlier one is never taken for its own. Semaphores and the bell only wake.
///
/// A slot has one worker at a time, and all slots have one lead.
class EnvironmentSlots {
 public:
  /// Made before the fork. Throws IoError.
  EnvironmentSlots(std::size_t slots, const EnvironmentSizes& sizes);
  ~EnvironmentSlots();
  EnvironmentSlots(const EnvironmentSlots&) = delete;
  EnvironmentSlots& operator=(const EnvironmentSlots&) = delete;

  std::size_t size() const { return slots_; }
  const EnvironmentSizes& sizes() const { return sizes_; }

  // A slot's worker.

  /// Replaces an earlier request, if it has not been answered. Both return the ticket.
  std::uint64_t ask_reset(std::size_t slot, std::uint64_t seed);
  std::uint64_t ask_step(std::size_t slot, std::span<const float> action);
  bool is_answered(std::size_t slot, std::uint64_t ticket) const;
  /// Whether the answer came; false when there will be none, or `keep_waiting` says so. It is asked between
  /// sleeps of a tenth of a second; empty: nobody looks.
  bool wait(std::size_t slot, std::uint64_t ticket, const std::function<bool()>& keep_waiting);
  /// Reads the answer to the newest request, which is_answered(). What it holds is copied into the spans,
  /// which have room for as much as the sizes say.
  EnvironmentAnswer read_answer(std::size_t slot, std::span<float> observation, std::span<float> metrics,
                                std::span<std::uint8_t> mask) const;
  bool is_closed() const;

  // The lead.

  /// A descriptor that can be read when a worker has rung after sleep(); calm() makes it silent again.
  int bell() const { return bell_; }
  /// Collects the slots with new requests since the last call.
  void collect(std::vector<std::size_t>& slots);
  /// Rings from now on. False, and nothing rings, when there is something to collect.
  bool sleep();
  void calm();

  /// A request that has no answer yet. `action` lies in `values`, which the call fills.
  struct Request {
    std::uint64_t ticket = 0;
    bool is_reset = false;
    std::uint64_t seed = 0;
  };
  std::optional<Request> request(std::size_t slot, std::vector<float>& action) const;
  /// Answers a request, unless there is a newer one, and wakes who waits for it.
  void answer(std::size_t slot, std::uint64_t ticket, const EnvironmentAnswer& answer);
  /// Nobody waits any longer.
  void close();

 private:
  struct Slot;
  struct Shared;

  Slot& at(std::size_t slot) const;
  std::span<float> action_of(std::size_t slot) const;
  std::span<float> observation_of(std::size_t slot) const;
  std::span<float> metrics_of(std::size_t slot) const;
  std::span<std::uint8_t> mask_of(std::size_t slot) const;
  std::atomic<std::uint64_t>* ready_words() const;
  std::uint64_t publish(std::size_t slot, std::uint64_t ticket);

  const std::size_t slots_;
  const EnvironmentSizes sizes_;
  std::size_t stride_ = 0;  // bytes of a slot with its arrays
  SharedMapping memory_;
  Shared* shared_ = nullptr;
  int bell_ = -1;
  const int owner_;
};

}  // namespace genkidama
