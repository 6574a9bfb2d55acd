#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <thread>
#include <utility>

#include "genkidama/net/child.h"
#include "support/fake_trainer.h"

namespace genkidama::testing {

/// A Child in a thread of its own, until it made two exchanges or is stopped.
class ChildThread {
 public:
  explicit ChildThread(ChildOptions options) : child_(std::move(options), trainer_) {
    child_.start();
    thread_ = std::thread([this] {
      try {
        ended_ = child_.run([](const ChildProgress& progress) { return progress.exchanges < 2; });
      } catch (const std::exception& error) {
        ended_ = error.what();
      }
    });
  }
  ~ChildThread() { stop(); }
  ChildThread(const ChildThread&) = delete;
  ChildThread& operator=(const ChildThread&) = delete;

  std::uint16_t port() const { return child_.port(); }
  /// Why run() ended.
  std::string stop() {
    child_.request_stop();
    return join();
  }
  std::string join() {
    if (thread_.joinable()) thread_.join();
    return ended_;
  }
  /// Once it has ended.
  std::uint64_t exchanges() const { return child_.progress().exchanges; }

 private:
  FakeTrainer trainer_;
  Child child_;
  std::string ended_;
  std::thread thread_;
};

}  // namespace genkidama::testing
