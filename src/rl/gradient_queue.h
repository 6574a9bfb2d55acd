#pragma once

// Gradients on their way from workers to servers (Sharing::kServer), in shared memory.

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

/// A slot for each worker, so the queue never grows. A worker hands a gradient over and waits until every
/// server is done with it. Semaphores only wake who sleeps: a worker or a server that is killed at any moment
/// leaves nothing locked, and a server that takes a dead one's place goes on with the gradients that are
/// there. A server marks what it begins with, so that the next one knows at which gradient it died.
class GradientQueue {
 public:
  /// What a server did with a gradient. Of several servers the worst counts, which is the last one here.
  enum class Fate : std::uint32_t {
    kApplied,
    kStale,  ///< dropped, because it was computed with weights too old
    kLost    ///< a server died over it or did not answer: nobody knows whether it was applied
  };

  /// Each server takes every gradient. Throws IoError.
  GradientQueue(int workers, std::size_t parameters, int servers = 1);

  // A worker calls these.

  /// Copies a gradient into the worker's slot, which must be free, and wakes the servers.
  /// `versions`: as ShardGradient has them, at most kMostShards.
  void hand_over(int worker, std::span<const float> gradient, std::span<const std::uint64_t> versions,
                 std::uint64_t step, double learning_rate);
  /// Whether all servers are done with the worker's gradient.
  bool is_free(int worker) const;
  /// Sleeps until they are done with it, or the time.
  void wait_until_free(int worker, Deadline deadline);
  /// Sleeps until wake_workers() or finish(), or the time.
  void wait_for_server(int worker, Deadline deadline);
  /// Frees the slot of a worker, and says what became of the gradient in it. One that a server is not done
  /// with is lost. kApplied, too, when there was none.
  Fate take_back(int worker);
  /// Makes the servers look whether there is more to do.
  void wake_servers();

  // A server calls these, with its number from 0.

  struct Item {
    int worker = 0;
    std::span<const float> gradient;
    std::span<const std::uint64_t> versions;  ///< kMostShards of them, whatever was handed over
    std::uint64_t step = 0;
    double learning_rate = 0;
    std::uint64_t ticket = 0;
  };
  /// The gradient that came first of those that this server is not done with.
  std::optional<Item> first(int server = 0) const;
  /// Replaces `items` by all gradients that this server is not done with, in the order in which they came.
  void all(std::vector<Item>& items, int server = 0) const;
  /// Marks that this server is at the gradient. False: one in whose place it works died over it.
  bool begin(const Item& item, int server = 0);
  /// This server is done with it. Changes nothing for a worker that was replaced and has handed over another.
  void finish(const Item& item, Fate fate = Fate::kApplied, int server = 0);
  /// Makes every worker that sleeps look whether it may go on.
  void wake_workers();
  /// Sleeps until something was handed over, or the time.
  void wait_for_gradients(Deadline deadline, int server = 0);

 private:
  struct Slot {
    alignas(64) sem_t done;
    std::atomic<std::uint64_t> ticket{0};  ///< in the order of arrival; 0: nothing was handed over
    std::uint64_t step = 0;
    double learning_rate = 0;
    std::array<std::uint64_t, kMostShards> versions{};
  };
  /// What one server has done with the gradients of one slot. Only that server writes it.
  struct Work {
    alignas(64) std::atomic<std::uint64_t> begun{0};  ///< the last ticket that it began with
    std::atomic<std::uint64_t> done{0};               ///< the last ticket that it was done with
    std::atomic<Fate> fate{Fate::kApplied};           ///< of that one
  };
  struct Arrivals {
    alignas(64) sem_t semaphore;  ///< wakes one server
  };
  std::span<float> gradient_of(std::size_t slot) const {
    return gradients_.span().subspan(slot * parameters_, parameters_);
  }
  Item item_of(std::size_t slot, std::uint64_t ticket) const;
  Slot& slot(int worker) const { return slots_[static_cast<std::size_t>(worker)]; }
  Work& work(std::size_t slot, int server) const {
    return works_[slot * arrivals_.size() + static_cast<std::size_t>(server)];
  }
  std::span<Work> works_of(int worker) const {
    return works_.span().subspan(static_cast<std::size_t>(worker) * arrivals_.size(), arrivals_.size());
  }
  bool are_all_done(int worker, std::uint64_t ticket) const;
  /// The ticket of a gradient that this server is not done with, or 0.
  std::uint64_t open_ticket(std::size_t slot, int server) const;

  std::size_t parameters_;
  SharedArray<Slot> slots_;
  SharedArray<Arrivals> arrivals_;  ///< one for each server
  SharedArray<Work> works_;         ///< of slot 0: one for each server; then of slot 1, ...
  SharedArray<std::atomic<std::uint64_t>> tickets_;
  SharedArray<float> gradients_;
};

}  // namespace genkidama
