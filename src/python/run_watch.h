#pragma once

// Why a run that Python has started is to end: Ctrl-C, a callback, or what a callback threw.

#include <pybind11/pybind11.h>

#include <optional>
#include <string>

#include "genkidama/core/clock.h"

namespace genkidama::python {

namespace py = pybind11;

/// Belongs to the thread that runs the run, which calls it with and without the interpreter's lock.
class RunWatch {
 public:
  /// Lets Python look at its signals, a few times a second, and returns why the run is to end; empty: it goes
  /// on. Python does nothing here in another thread than its main one, which then is who hears of Ctrl-C.
  std::string end_reason();
  /// OrchestratorOptions::cut_round and give_up: as soon after the request as for the command line's signals,
  /// and at once after a second Ctrl-C.
  bool is_round_overdue() { return is_overdue(Milliseconds{300}); }
  bool is_overdue() { return is_overdue(Milliseconds{1'000}); }

  /// Ends the run.
  void stop(const std::string& reason);
  /// Ends it for an exception, the first of which is thrown by rethrow(). With the interpreter's lock.
  void stop(const py::error_already_set& error);
  /// Throws what has ended the run, if it was an exception. With the interpreter's lock.
  void rethrow();

 private:
  bool is_overdue(Milliseconds patience);
  void look_at_signals();

  std::string reason_;
  Clock::time_point stopped_at_{};
  Clock::time_point looked_at_{};
  int exceptions_ = 0;
  std::optional<py::error_already_set> error_;
};

}  // namespace genkidama::python
