#pragma once

/// @file
/// What plays on the terminal's other screen.

#include <functional>
#include <string>
#include <vector>

#include "cli/terminal/picture_screen.h"
#include "genkidama/core/clock.h"

namespace genkidama::cli {

/// Between two looks for a signal.
inline constexpr Milliseconds kLookForSignal{20};

/// Runs `show` in a process of its own, for an environment may crash or call exit(), and leaves the screen in
/// any case. After a signal that process is killed, or asked to end where it has `patience` to do so. Returns
/// its exit code, or 128 + N after signal N.
int play_on_screen(const std::function<int(PictureScreen&)>& show, Milliseconds patience = Milliseconds{0});

/// Sleeps until then, or until a signal comes.
void rest_until(Clock::time_point time);

/// Keeps messages while the screen is another one, leaves the screen, and tells the messages afterwards.
class ScreenVisit {
 public:
  explicit ScreenVisit(PictureScreen& screen);
  ~ScreenVisit();
  ScreenVisit(const ScreenVisit&) = delete;
  ScreenVisit& operator=(const ScreenVisit&) = delete;

 private:
  PictureScreen& screen_;
  std::vector<std::string> texts_;
};

}  // namespace genkidama::cli
