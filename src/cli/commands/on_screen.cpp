#include "cli/commands/on_screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <string_view>
#include <thread>
#include <utility>

#include "cli/commands/guarded.h"
#include "cli/terminal/output.h"
#include "genkidama/core/log.h"
#include "genkidama/run/stop_signal.h"
#include "run/process/spawned_process.h"

namespace genkidama::cli {

int play_on_screen(const std::function<int(PictureScreen&)>& show, Milliseconds patience) {
  PictureScreen screen;
  run::SpawnedProcess::Options options;
  options.name = "watch";
  options.body = [&] { return guarded([&] { return show(screen); }); };
  run::SpawnedProcess process(std::move(options));
  while (process.running()) {
    if (run::stop_signal() != 0) {
      const auto last = Clock::now() + patience;
      if (patience.count() > 0) process.signal(SIGTERM);
      while (process.running() && Clock::now() < last) run::pause_before_look();
      return 128 + run::stop_signal();  // and the process is killed
    }
    run::pause_before_look();
  }
  screen.leave();
  // The process that played has seen the signal too, and may have ended well.
  if (run::stop_signal() != 0) return 128 + run::stop_signal();
  constexpr int kSignalled = 128;
  if (process.exit_code() > kSignalled)
    print_error(
        fmt::format("error: the process that played ended with {}\n", run::exit_text(process.exit_code())));
  return process.exit_code();
}

void rest_until(Clock::time_point time) {
  while (run::stop_signal() == 0) {
    const auto left = time - Clock::now();
    if (left <= Clock::duration::zero()) return;
    std::this_thread::sleep_for(std::min<Clock::duration>(left, kLookForSignal));
  }
}

ScreenVisit::ScreenVisit(PictureScreen& screen) : screen_(screen) {
  set_log_sink([this](LogLevel level, std::string_view text) {
    constexpr std::size_t kMost = 100;
    if (texts_.size() < kMost) texts_.push_back(fmt::format("{}{}\n", log_prefix(level), text));
  });
}

ScreenVisit::~ScreenVisit() {
  screen_.leave();
  set_log_sink({});
  for (const std::string& text : texts_) print_error(text);
}

}  // namespace genkidama::cli
