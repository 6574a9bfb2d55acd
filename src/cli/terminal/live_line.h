#pragma once

/// @file
/// One line on standard error that tells how far things are.

#include <string>
#include <vector>

#include "cli/terminal/fitted_line.h"
#include "genkidama/core/clock.h"
#include "genkidama/core/log.h"

namespace genkidama::cli {

/// Rewritten in place on a terminal; a plain line now and then elsewhere. Used by one thread; messages logged
/// by others go above it after log_above_live_line().
class LiveLine {
 public:
  /// `plain_interval`: between plain lines.
  explicit LiveLine(Milliseconds plain_interval);
  /// Ends the line.
  ~LiveLine();
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;

  /// Whether it is rewritten in place.
  bool live() const { return live_; }
  /// Whether enough time has passed since show(); costs one look at the clock.
  bool due() const;
  /// Shows the parts as one line. A terminal that is too narrow for all gets those that matter most.
  void show_parts(std::vector<LinePart> parts);
  void show(const std::string& text) { show_parts({LinePart{text, 0}}); }
  /// Takes it away from a terminal, for what is printed next.
  void erase();
  /// When it was last shown, or made.
  Clock::time_point shown() const { return shown_; }

 private:
  bool live_;
  Milliseconds plain_interval_;
  Clock::time_point shown_ = Clock::now();
  bool open_ = false;
};

/// Makes log messages erase a live line first, and hands each to `also` too. Before any thread is started.
void log_above_live_line(LogSink also = {});

}  // namespace genkidama::cli
