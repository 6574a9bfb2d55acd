#include "orchestrator/worker_group.h"

#include <atomic>
#include <thread>

#include "orchestrator/nursery.h"

namespace genkidama {
namespace {

class ProcessGroup : public WorkerGroup {
 public:
  ProcessGroup(int workers, const WorkerBody& body, const std::function<void()>& on_end)
      : workers_(workers), nursery_(workers, body, on_end) {}

  std::optional<std::string> broken() override { return nursery_.broken(); }
  std::optional<Ending> ended(int worker) const override { return nursery_.ended(worker); }
  bool can_replace() const override { return true; }
  void replace(int worker) override { nursery_.replace(worker); }
  bool is_starting(int worker) const override { return nursery_.is_starting(worker); }
  void end(Deadline deadline) override { nursery_.end(deadline); }

  std::vector<int> pids() const override {
    std::vector<int> result;
    for (int worker = 0; worker < workers_; ++worker) result.push_back(nursery_.pid(worker));
    return result;
  }

 private:
  int workers_;
  Nursery nursery_;
};

// A thread cannot die alone, and it cannot be killed; a failure is in its report.
class ThreadGroup : public WorkerGroup {
 public:
  ThreadGroup(int workers, const WorkerBody& body) {
    threads_.reserve(static_cast<std::size_t>(workers));
    try {
      for (int index = 0; index < workers; ++index) {
        threads_.emplace_back([this, index, body] { body(index, [this] { return !abandoned_.load(); }); });
      }
    } catch (...) {
      // No memory, or no more threads: nobody else would wait for those that run.
      ThreadGroup::end(Deadline::after(Milliseconds{0}));
      throw;
    }
  }

  ~ThreadGroup() override { end(Deadline::after(Milliseconds{0})); }

  std::optional<std::string> broken() override { return std::nullopt; }
  std::optional<Ending> ended(int) const override { return std::nullopt; }
  bool can_replace() const override { return false; }
  void replace(int) override {}
  bool is_starting(int) const override { return false; }

  // A worker ends its episode first, unless its round is cut.
  void end(Deadline) override {
    abandoned_ = true;
    for (auto& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

  std::vector<int> pids() const override { return {}; }

 private:
  std::atomic<bool> abandoned_{false};
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<WorkerGroup> start_workers(WorkerMode mode, int workers, const WorkerBody& body,
                                           const std::function<void()>& on_end) {
  if (mode == WorkerMode::kThreads) return std::make_unique<ThreadGroup>(workers, body);
  return std::make_unique<ProcessGroup>(workers, body, on_end);
}

}  // namespace genkidama
