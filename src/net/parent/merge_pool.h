#pragma once

// The threads of a Parent that work on weights beside its io thread.

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

namespace genkidama {

/// Work for the pool. One object is in the pool once at most, and outlives its time there.
class MergeTask {
 public:
  virtual ~MergeTask() = default;
  MergeTask(const MergeTask&) = delete;
  MergeTask& operator=(const MergeTask&) = delete;

  /// On a thread of the pool.
  virtual void run() noexcept = 0;
  /// On the io thread, after run(); the task is outside the pool again. The object may be gone afterwards.
  virtual void finished() = 0;

 protected:
  MergeTask() : self_{this}, link_(self_.begin()) {}

 private:
  friend class MergePool;
  enum class Place { kOutside, kWaiting, kRunning, kDone };

  Place place_ = Place::kOutside;
  // The task's own link of a list, which moves between the lists of the pool: that wants no memory.
  std::list<MergeTask*> self_;
  const std::list<MergeTask*>::iterator link_;
};

/// Runs tasks on threads of its own, the first given first, and hands them back on the io thread. Nothing
/// here wants memory once the object stands, so no task is lost where memory has ended.
class MergePool {
 public:
  /// Starts the threads, with all signals blocked. `wake` is called on one of them when tasks are done, and
  /// has the io thread call deliver() soon; where it throws, it is called again a little later.
  MergePool(std::size_t threads, std::function<void()> wake);
  /// Waits for the tasks that are running. Those that were not delivered never are.
  ~MergePool();
  MergePool(const MergePool&) = delete;
  MergePool& operator=(const MergePool&) = delete;

  // The io thread.

  /// `urgent`: before all that wait.
  void submit(MergeTask& task, bool urgent = false) noexcept;
  /// Takes a task back, which is not delivered then; waits while it is running. Whether it was run.
  bool withdraw(MergeTask& task) noexcept;
  /// Calls finished() of what is done. If that throws the rest is delivered later.
  void deliver();

 private:
  void work();
  // With the lock held.
  bool wants_wake() const { return !done_.empty() && !woken_; }
  /// Whether that went well. The lock is free meanwhile.
  bool wake_owner(std::unique_lock<std::mutex>& lock);
  void stop() noexcept;
  /// To the end of `to`.
  static void move(MergeTask& task, std::list<MergeTask*>& from, std::list<MergeTask*>& to,
                   MergeTask::Place place) noexcept;

  const std::function<void()> wake_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::condition_variable changed_;  // for the threads: something waits, or is to be told
  std::condition_variable ran_;      // for withdraw(): a task was run
  std::list<MergeTask*> waiting_, running_, done_;
  bool woken_ = false;  // deliver() will be called
  bool stopping_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace genkidama
