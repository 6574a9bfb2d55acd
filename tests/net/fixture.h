#pragma once

#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "genkidama/net/child.h"
#include "genkidama/net/parent.h"
#include "support/fake_trainer.h"

namespace genkidama::test {

inline const Endpoint kLoopback{"127.0.0.1", 0};

inline Endpoint loopback(std::uint16_t port) {
  return {"127.0.0.1", port};
}

/// Deadlines that no healthy loopback connection reaches.
inline ParentOptions parent_options(double alpha = 0.9) {
  ParentOptions options;
  options.listen = {kLoopback};
  options.alpha = alpha;
  options.backoff_min = Milliseconds(5);
  options.backoff_max = Milliseconds(50);
  return options;
}

inline ChildOptions child_options(std::uint16_t port, double beta = 0.5, const std::string& name = "child") {
  ChildOptions options;
  options.connect = loopback(port);
  options.beta = beta;
  options.name = name;
  options.backoff_min = Milliseconds(5);
  options.backoff_max = Milliseconds(50);
  return options;
}

/// A started Parent on a free port with random weights.
struct RunningParent {
  explicit RunningParent(ParentOptions options = parent_options(),
                         std::function<void(const ParentUpdate&)> observer = {})
      : initial(random_weights(small_layout().size(), 99)),
        parent(std::move(options), small_layout(), initial) {
    if (observer) parent.on_update(std::move(observer));
    parent.start();
  }
  std::uint16_t port() const { return parent.ports().at(0); }

  std::vector<float> initial;
  Parent parent;
};

/// A Child's run() in a thread of its own; asked to stop at the end of the scope, also where a case has
/// failed.
class ChildRun {
 public:
  /// Without `keep_going` the run goes on until it is stopped.
  explicit ChildRun(Child& child, std::function<bool(const ChildProgress&)> keep_going = {})
      : child_(child), result_(std::async(std::launch::async, [&child, keep_going = std::move(keep_going)] {
          return child.run(keep_going);
        })) {}
  ~ChildRun() {
    child_.request_stop();
    if (result_.valid()) result_.wait();
  }
  ChildRun(const ChildRun&) = delete;
  ChildRun& operator=(const ChildRun&) = delete;

  bool ended() const { return result_.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }
  /// Waits; what run() returned or threw. Once.
  std::string get() { return result_.get(); }

 private:
  Child& child_;
  std::future<std::string> result_;
};

/// For so many exchanges.
inline std::function<bool(const ChildProgress&)> exchanges(std::uint64_t count) {
  return [count](const ChildProgress& progress) { return progress.exchanges < count; };
}

/// Whether two vectors are equal bit by bit.
inline bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](float x, float y) {
           return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
         });
}

/// A point that one thread passes when another says so.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  /// False after 20 s.
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

}  // namespace genkidama::test
