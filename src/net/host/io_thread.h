#pragma once

// The one thread that runs all sockets of a Parent or a Child.

#include "net/asio.h"

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <thread>
#include <utility>

namespace genkidama {

class IoThread {
 public:
  IoThread();
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  asio::io_context& context() { return context_; }

  /// `recover` is called on the thread after a handler failed, until it does not throw: it sets going again
  /// what that handler would have. Before start().
  void on_failure(std::function<void()> recover) { recover_ = std::move(recover); }
  /// Starts the thread, with all signals blocked: they belong to the program's own threads.
  void start();
  /// Whether the caller is this thread.
  bool is_current() const { return std::this_thread::get_id() == id_; }
  bool running() const { return thread_.joinable(); }
  /// Whether the loop has ended, so that nothing that is posted will run. Any thread.
  bool has_ended() const { return has_ended_; }

  /// Runs `action` on the thread, later. Any thread. Dropped when the thread has ended.
  template <typename Action>
  void post(Action&& action) {
    asio::post(context_, std::forward<Action>(action));
  }

  /// Ends the loop after the handler that runs now. Any thread.
  void finish() { context_.stop(); }
  /// Waits for the end of the loop. Not from the thread itself.
  void join();

 private:
  void run();
  void recover();

  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  std::atomic<std::thread::id> id_{};
  std::atomic<bool> has_ended_{false};
  std::function<void()> recover_;
  std::thread thread_;
};

}  // namespace genkidama
