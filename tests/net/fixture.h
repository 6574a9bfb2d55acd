#pragma once

#include <condition_variable>
#include <exception>
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

namespace genkidama::testing {

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

}  // namespace genkidama::testing
