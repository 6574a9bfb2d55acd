#pragma once

// Gradients on their way from workers to a server (Sharing::kServer), in shared memory.

#include <semaphore.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/ipc/shared_array.h"
#include "genkidama/params/weight_shards.h"

namespace genkidama {

/// A slot for each worker, so the queue never grows. A worker hands a gradient over and waits until the
/// server is done with it. Semaphores only wake who sleeps: a worker or a server that is killed at any moment
/// leaves nothing locked, and a server that takes a dead one's place goes on with the gradients that are
/// there. The one that the dead server was at is then taken a second time.
class GradientQueue {
 public:
  /// Throws IoError.
  GradientQueue(int workers, std::size_t parameters);

  // A worker calls these.

  /// Copies a gradient into the worker's slot, which must be free, and wakes the server.
  /// `versions`: as ShardGradient has them, at most kMostShards.
  void hand_over(int worker, std::span<const float> gradient, std::span<const std::uint64_t> versions,
                 std::uint64_t step, double learning_rate);
  /// Whether the server is done with the worker's gradient.
  bool is_free(int worker) const;
  /// Sleeps until the server is done with it, or the time.
  void wait_until_free(int worker, Deadline deadline);
  /// Sleeps until wake_workers() or finish(), or the time.
  void wait_for_server(int worker, Deadline deadline);
  /// Frees the slot of a worker that gives up, or that takes a dead one's place.
  void take_back(int worker);
  /// Makes the server look whether there is more to do.
  void wake_server();

  // The server calls these.

  struct Item {
    int worker = 0;
    std::span<const float> gradient;
    std::span<const std::uint64_t> versions;  ///< kMostShards of them, whatever was handed over
    std::uint64_t step = 0;
    double learning_rate = 0;
    std::uint64_t ticket = 0;
  };
  /// The gradient that came first of those that are there.
  std::optional<Item> first() const;
  /// Replaces `items` by all gradients that are there, in the order in which they came.
  void all(std::vector<Item>& items) const;
  /// The server is done with it. Changes nothing for a worker that was replaced and has handed over another.
  void finish(const Item& item);
  /// Makes every worker that sleeps look whether it may go on.
  void wake_workers();
  /// Sleeps until something was handed over, or the time.
  void wait_for_gradients(Deadline deadline);

 private:
  struct Slot {
    alignas(64) sem_t done;
    std::atomic<std::uint64_t> ticket{0};  ///< in the order of arrival; 0: the slot is free
    std::uint64_t step = 0;
    double learning_rate = 0;
    std::array<std::uint64_t, kMostShards> versions{};
  };
  struct Counter {
    alignas(64) sem_t arrivals;
    std::atomic<std::uint64_t> tickets{0};
  };
  std::span<float> gradient_of(std::size_t slot) const {
    return gradients_.span().subspan(slot * parameters_, parameters_);
  }
  Item item_of(std::size_t slot, std::uint64_t ticket) const;
  Slot& slot(int worker) const { return slots_[static_cast<std::size_t>(worker)]; }

  std::size_t parameters_;
  SharedArray<Slot> slots_;
  SharedArray<Counter> counter_;
  SharedArray<float> gradients_;
};

}  // namespace genkidama
