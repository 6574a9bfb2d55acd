#pragma once

// A Parent in a process of its own, as it would run, so that a Child measured here competes with it for
// nothing but the machine.

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "genkidama/net/parent.h"
#include "support/child_process.h"

namespace genkidama::benchmarks {

struct ParentSetup {
  std::size_t parameters = 0;
  int core = -1;  ///< run on this core only; -1: on any
  std::function<void(const ParentUpdate&)> observer;
  std::size_t max_connections = 0;  ///< 0: the default
  int merge_threads = 1;
  Milliseconds idle_timeout{0};  ///< 0: the default
};

/// A layout of one tensor.
ParameterLayout flat_layout(std::size_t parameters);

/// Runs on the loopback interface until destruction. Construct before any thread of this process is started.
class ParentProcess {
 public:
  /// Returns once the Parent listens. Throws std::runtime_error when it does not.
  explicit ParentProcess(const ParentSetup& setup);
  /// Ends the Parent and waits for its process.
  ~ParentProcess();
  ParentProcess(const ParentProcess&) = delete;
  ParentProcess& operator=(const ParentProcess&) = delete;

  std::uint16_t port() const { return port_; }
  pid_t pid() const { return process_->pid(); }

 private:
  int stop_ = -1;  // writing end of a pipe whose closing ends the Parent
  std::uint16_t port_ = 0;
  std::unique_ptr<test::ChildProcess> process_;
};

/// Keeps the calling thread, and those it starts, on one core. Throws std::runtime_error when that is
/// refused.
void stay_on_core(int core);

}  // namespace genkidama::benchmarks
