#pragma once

#include <atomic>
#include <chrono>
#include <thread>

#include "genkidama/core/clock.h"
#include "run/local_run.h"

namespace genkidama::run {

/// Passes the wish for an end on while a Child or a Peer waits for others, when nobody else asks.
template <typename Member>
class EndWatch {
 public:
  EndWatch(const LocalRun& run, Member& member)
      : thread_([this, &run, &member] {
          bool over = false;
          while (!done_.load() && !(over = !run.end_reason().empty())) {
            std::this_thread::sleep_for(Milliseconds(100));
          }
          if (over) member.request_stop();
        }) {}
  ~EndWatch() {
    done_.store(true);
    thread_.join();
  }
  EndWatch(const EndWatch&) = delete;
  EndWatch& operator=(const EndWatch&) = delete;

 private:
  std::atomic<bool> done_{false};
  std::thread thread_;
};

}  // namespace genkidama::run
