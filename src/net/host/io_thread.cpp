#include "net/host/io_thread.h"

#include <chrono>
#include <exception>

#include "net/host/signals_blocked.h"
#include "net/try_log.h"

namespace genkidama {

IoThread::IoThread() = default;

IoThread::~IoThread() {
  finish();
  join();
}

void IoThread::start() {
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

void IoThread::run() {
  id_ = std::this_thread::get_id();
  for (;;) {
    try {
      context_.run();
      has_ended_ = true;
      return;
    } catch (const std::exception& error) {
      // Out of memory, most likely.
      try_log(LogLevel::kError, "net: a handler failed: {}", error.what());
    }
    recover();
  }
}

void IoThread::recover() {
  constexpr std::chrono::milliseconds kPause{10};
  while (recover_ && !context_.stopped()) {
    try {
      recover_();
      return;
    } catch (const std::exception&) {
      std::this_thread::sleep_for(kPause);
    }
  }
}

void IoThread::join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace genkidama
