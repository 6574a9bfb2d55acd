#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/net/peer.h"
#include "net/fixture.h"
#include "support/fake_trainer.h"

namespace genkidama::test {

/// Deadlines that no healthy loopback connection reaches.
inline PeerOptions peer_options(const std::string& name, MixingRule rule = MixingRule::kDiffusion) {
  PeerOptions options;
  options.name = name;
  options.rule = rule;
  options.listen = kLoopback;
  options.backoff_min = Milliseconds(5);
  options.backoff_max = Milliseconds(50);
  return options;
}

/// A Peer with a trainer, and its run() in a thread of its own; asked to stop at the end of the scope.
class PeerThread {
 public:
  explicit PeerThread(PeerOptions options, unsigned seed = 1)
      : trainer(small_layout(), seed), peer(std::move(options), trainer) {
    peer.start();
  }
  ~PeerThread() { stop(); }
  PeerThread(const PeerThread&) = delete;
  PeerThread& operator=(const PeerThread&) = delete;

  std::uint16_t port() const { return peer.port(); }
  /// Without `keep_going` the run goes on until it is stopped.
  void run(std::function<bool(const PeerProgress&)> keep_going = {}) {
    result_ = std::async(std::launch::async,
                         [this, keep_going = std::move(keep_going)] { return peer.run(keep_going); });
  }
  void stop() {
    peer.request_stop();
    if (result_.valid()) result_.wait();
  }
  /// Waits; what run() returned, or what it threw. Once.
  std::string get() {
    try {
      return result_.get();
    } catch (const std::exception& error) {
      return error.what();
    }
  }

  FakeTrainer trainer;
  Peer peer;

 private:
  std::future<std::string> result_;
};

inline std::function<bool(const PeerProgress&)> peer_rounds(std::uint64_t count) {
  return [count](const PeerProgress& progress) { return progress.rounds < count; };
}

}  // namespace genkidama::test
