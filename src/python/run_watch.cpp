#include "python/run_watch.h"

#include <utility>

namespace genkidama::python {
namespace {

// A look takes the interpreter's lock, for which other threads may let it wait.
constexpr Milliseconds kBetweenLooks{50};

}  // namespace

void RunWatch::look_at_signals() {
  const auto now = Clock::now();
  if (now - looked_at_ < kBetweenLooks) return;
  looked_at_ = now;
  const py::gil_scoped_acquire lock;
  if (PyErr_CheckSignals() != 0) stop(py::error_already_set());
}

std::string RunWatch::end_reason() {
  look_at_signals();
  return reason_;
}

bool RunWatch::is_overdue(Milliseconds patience) {
  look_at_signals();
  if (reason_.empty()) return false;
  return exceptions_ > 1 || Clock::now() - stopped_at_ >= patience;
}

void RunWatch::stop(const std::string& reason) {
  if (!reason_.empty()) return;
  reason_ = reason;
  stopped_at_ = Clock::now();
}

void RunWatch::stop(const py::error_already_set& error) {
  ++exceptions_;
  stop(error.matches(PyExc_KeyboardInterrupt) ? "signal" : "callback");
  if (!error_) error_ = error;
}

void RunWatch::rethrow() {
  if (error_) throw *std::exchange(error_, std::nullopt);
}

}  // namespace genkidama::python
