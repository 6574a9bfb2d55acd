#include "net/parent/merge_pool.h"

#include <chrono>
#include <exception>
#include <utility>

#include "net/host/signals_blocked.h"

namespace genkidama {

MergePool::MergePool(std::size_t threads, std::function<void()> wake) : wake_(std::move(wake)) {
  const SignalsBlocked blocked;
  threads_.reserve(threads);
  try {
    while (threads_.size() < threads) threads_.emplace_back([this] { work(); });
  } catch (...) {
    stop();
    throw;
  }
}

MergePool::~MergePool() {
  stop();
}

void MergePool::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void MergePool::move(MergeTask& task, std::list<MergeTask*>& from, std::list<MergeTask*>& to,
                     MergeTask::Place place) noexcept {
  to.splice(to.end(), from, task.link_);
  task.place_ = place;
}

void MergePool::submit(MergeTask& task, bool urgent) noexcept {
  {
    const std::lock_guard lock(mutex_);
    move(task, task.self_, waiting_, MergeTask::Place::kWaiting);
    if (urgent) waiting_.splice(waiting_.begin(), waiting_, task.link_);
  }
  changed_.notify_one();
}

bool MergePool::withdraw(MergeTask& task) noexcept {
  using Place = MergeTask::Place;
  std::unique_lock lock(mutex_);
  ran_.wait(lock, [&] { return task.place_ != Place::kRunning; });
  const bool was_run = task.place_ == Place::kDone;
  if (was_run) move(task, done_, task.self_, Place::kOutside);
  if (task.place_ == Place::kWaiting) move(task, waiting_, task.self_, Place::kOutside);
  return was_run;
}

void MergePool::deliver() {
  std::unique_lock lock(mutex_);
  woken_ = false;
  while (!done_.empty()) {
    MergeTask& task = *done_.front();
    move(task, done_, task.self_, MergeTask::Place::kOutside);
    // While this looks at the rest, nobody need be woken for it.
    woken_ = true;
    lock.unlock();
    try {
      task.finished();
    } catch (...) {
      lock.lock();
      woken_ = false;
      changed_.notify_one();
      throw;
    }
    lock.lock();
    woken_ = false;
  }
}

bool MergePool::wake_owner(std::unique_lock<std::mutex>& lock) {
  woken_ = true;
  lock.unlock();
  bool is_told = true;
  try {
    wake_();
  } catch (const std::exception&) {
    // Out of memory.
    is_told = false;
  }
  lock.lock();
  if (!is_told) woken_ = false;
  return is_told;
}

void MergePool::work() {
  constexpr std::chrono::milliseconds kPause{10};
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (wants_wake() && !wake_owner(lock) && waiting_.empty()) {
      changed_.wait_for(lock, kPause);
      continue;
    }
    if (waiting_.empty()) {
      changed_.wait(lock, [this] { return stopping_ || !waiting_.empty() || wants_wake(); });
      continue;
    }
    MergeTask& task = *waiting_.front();
    move(task, waiting_, running_, MergeTask::Place::kRunning);
    lock.unlock();
    task.run();
    lock.lock();
    move(task, running_, done_, MergeTask::Place::kDone);
    ran_.notify_all();
  }
}

}  // namespace genkidama
