#include "genkidama/ipc/round_barrier.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "core/failpoint.h"
#include "genkidama/core/error.h"
#include "ipc/shared_semaphore.h"

namespace genkidama {
namespace {

// Workers killed without a word are noticed this late at most.
constexpr Milliseconds kSlice{200};
constexpr std::size_t kCacheLine = 64;

}  // namespace

std::string worker_name(int index, int workers) {
  return fmt::format("worker {} of {}", index + 1, workers);
}

// The counters say who is where, and carry the ordering of memory; a semaphore only wakes the one who sleeps,
// so a post too many or too few (a wait that timed out, a process killed) never lets anyone pass. The lead
// and the workers write to cache lines of their own.
//
// A worker that takes a dead one's place needs nothing mended. `arrived` is written by one store, so it has
// either happened or not: the dead one had arrived, or the round is still to be played. What it left in `go`
// is a wake-up too many, or (killed while it slept) a waiter too many in glibc's count, which costs a post a
// system call. What it did not post to `arrivals` the lead finds by looking at the counters once a slice.

struct RoundBarrier::Slot {
  alignas(kCacheLine) sem_t go;
  /// Number of the last round at whose end this worker arrived, counted from 1.
  std::atomic<std::uint64_t> arrived{0};
};

struct RoundBarrier::Shared {
  alignas(kCacheLine) sem_t arrivals;
  /// Number of rounds that were released.
  alignas(kCacheLine) std::atomic<std::uint64_t> released{0};
  std::atomic<std::uint32_t> closed{0};
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "a lock would be private to each process");

RoundBarrier::RoundBarrier(int workers) : workers_(workers), owner_(::getpid()) {
  if (workers < 1) throw ArgumentError(fmt::format("a barrier for {} workers; give at least 1", workers));
  static_assert(sizeof(Shared) % alignof(Slot) == 0);
  memory_ =
      SharedMapping(sizeof(Shared) + static_cast<std::size_t>(workers) * sizeof(Slot), "the round barrier");
  auto* const bytes = static_cast<std::byte*>(memory_.data());
  shared_ = new (bytes) Shared;
  slots_ = reinterpret_cast<Slot*>(bytes + sizeof(Shared));
  std::uninitialized_default_construct_n(slots_, workers);
  make_semaphore(shared_->arrivals);
  for (int i = 0; i < workers; ++i) make_semaphore(slots_[i].go);
}

RoundBarrier::~RoundBarrier() {
  // In a forked worker the semaphores are still the lead's.
  if (::getpid() != owner_) return;
  for (int i = 0; i < workers_; ++i) ::sem_destroy(&slots_[i].go);
  ::sem_destroy(&shared_->arrivals);
}

RoundBarrier::Slot& RoundBarrier::slot_of(int worker) const {
  if (worker < 0 || worker >= workers_) {
    throw ArgumentError(fmt::format("worker index {} at a barrier for {} workers; expected 0 to {}", worker,
                                    workers_, workers_ - 1));
  }
  return slots_[worker];
}

void RoundBarrier::arrive(int worker) {
  Slot& slot = slot_of(worker);
  // The lead cannot release the round that this worker is still in, so `released` stands still meanwhile.
  slot.arrived.store(shared_->released.load(std::memory_order_acquire) + 1, std::memory_order_release);
  GENKIDAMA_FAILPOINT("worker_arriving");
  ::sem_post(&shared_->arrivals);
  GENKIDAMA_FAILPOINT("worker_arrived");
}

RoundBarrier::Release RoundBarrier::wait_for_release(int worker, Deadline deadline) {
  Slot& slot = slot_of(worker);
  const std::uint64_t round = slot.arrived.load(std::memory_order_relaxed);
  drain(slot.go);
  for (;;) {
    // Asked before the counters, so that a release at the last moment still counts.
    const bool last_look = deadline.passed();
    if (shared_->closed.load(std::memory_order_acquire) != 0) return Release::kClosed;
    if (shared_->released.load(std::memory_order_acquire) >= round) return Release::kGo;
    if (last_look) return Release::kTimedOut;
    sleep_on(slot.go, deadline);
  }
}

RoundBarrier::Arrival RoundBarrier::wait_for_all(
    Deadline deadline, const std::function<std::optional<std::string>()>& find_problem) {
  drain(shared_->arrivals);
  for (;;) {
    const bool last_look = deadline.passed();
    if (all_arrived()) return {true, false, {}};
    if (shared_->closed.load(std::memory_order_acquire) != 0) return {false, false, "the barrier was closed"};
    if (find_problem) {
      if (auto problem = find_problem()) return {false, false, *std::move(problem)};
    }
    if (last_look) return {false, true, missing_workers()};
    sleep_on(shared_->arrivals, deadline.slice(kSlice));
  }
}

void RoundBarrier::release() {
  // Only the lead writes it.
  shared_->released.store(shared_->released.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  for (int i = 0; i < workers_; ++i) ::sem_post(&slots_[i].go);
}

void RoundBarrier::close() {
  shared_->closed.store(1, std::memory_order_release);
  for (int i = 0; i < workers_; ++i) ::sem_post(&slots_[i].go);
  ::sem_post(&shared_->arrivals);
}

void RoundBarrier::wake_lead() {
  ::sem_post(&shared_->arrivals);
}

bool RoundBarrier::has_arrived(int worker) const {
  return slot_of(worker).arrived.load(std::memory_order_acquire) >
         shared_->released.load(std::memory_order_acquire);
}

bool RoundBarrier::is_closed() const {
  return shared_->closed.load(std::memory_order_acquire) != 0;
}

bool RoundBarrier::all_arrived() const {
  for (int i = 0; i < workers_; ++i) {
    if (!has_arrived(i)) return false;
  }
  return true;
}

std::string RoundBarrier::missing_workers() const {
  std::string names;
  for (int i = 0; i < workers_; ++i) {
    if (!has_arrived(i)) names += (names.empty() ? "" : ", ") + worker_name(i, workers_);
  }
  return names + " did not reach the barrier in time";
}

}  // namespace genkidama
