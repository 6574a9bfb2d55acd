#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <utility>

#include "net/fixture.h"

namespace genkidama::test {

/// A Child with its run in a thread of its own, until it made two exchanges or is stopped.
class ChildThread {
 public:
  explicit ChildThread(ChildOptions options)
      : child_(std::move(options), trainer_), run_((child_.start(), child_), test::exchanges(2)) {}

  std::uint16_t port() const { return child_.port(); }
  /// Why run() ended, as join() tells.
  std::string stop() {
    child_.request_stop();
    return join();
  }
  /// Why run() ended, or what it threw. Once.
  std::string join() {
    try {
      return run_.get();
    } catch (const std::exception& error) {
      return error.what();
    }
  }
  /// Once it has ended.
  std::uint64_t exchanges() const { return child_.progress().exchanges; }

 private:
  FakeTrainer trainer_;
  Child child_;
  ChildRun run_;
};

}  // namespace genkidama::test
