#include "cli/commands/demonstrations_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/commands/key_actions.h"
#include "cli/commands/on_screen.h"
#include "cli/commands/policy_player.h"
#include "cli/terminal/key_input.h"
#include "cli/terminal/live_line.h"
#include "cli/terminal/output.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/rl/demonstrations.h"
#include "genkidama/run/stop_signal.h"
#include "run/watch/pictures.h"
#include "run/watch/watched_episode.h"

namespace genkidama::cli {
namespace {

using Path = std::filesystem::path;

constexpr Milliseconds kPlainInterval{5'000};
constexpr Milliseconds kLastPicture{1'000};
constexpr Milliseconds kTimeToWrite{5'000};

/// Before anything is played. Throws ArgumentError.
void check_recording(const Path& path) {
  std::error_code ignored;
  const Path directory = path.has_parent_path() ? path.parent_path() : Path(".");
  if (!path.has_filename() || std::filesystem::is_directory(path, ignored)) {
    throw ArgumentError(
        fmt::format("--record-demonstrations is '{}', which is a directory; expected a file", path.string()));
  }
  if (!std::filesystem::is_directory(directory, ignored)) {
    throw ArgumentError(fmt::format(
        "--record-demonstrations is '{}'; expected a path in a directory that exists", path.string()));
  }
}

void write_recording(const Path& path, const Demonstrations& recorded) {
  if (recorded.episodes() == 0)
    throw Error(fmt::format("no episode was played to its end, so {} was not written", path.string()));
  write_demonstrations(path, recorded);
  double mean = 0;
  for (const float reward : recorded.rewards)
    mean += static_cast<double>(reward) / static_cast<double>(recorded.episodes());
  print("{}: {} episode{}, {} steps, mean return {:.1f}\n", path.string(), recorded.episodes(),
        recorded.episodes() == 1 ? "" : "s", recorded.steps(), mean);
}

/// Plays one episode after the other until a person has had enough. In the process that plays.
class HumanPlay {
 public:
  HumanPlay(const Job& job, PictureScreen& screen)
      : job_(job),
        screen_(screen),
        recorder_(watched_environment(job), "a person at the keyboard"),
        actions_(recorder_.spec().action_space) {}

  /// Returns what each episode came to.
  std::vector<std::string> play() {
    const ScreenVisit visit(screen_);
    std::vector<std::string> results;
    for (int number = 0; number < job_.settings.evaluate.episodes; ++number) {
      const run::WatchedEpisode episode = play_episode(number);
      if (!episode.is_over) break;
      results.push_back(episode_text(number, job_.settings.evaluate.episodes, episode) + '\n');
      rest_until(Clock::now() + kLastPicture);
    }
    return results;
  }

  const Demonstrations& recorded() const { return recorder_.demonstrations(); }

 private:
  run::WatchedEpisode play_episode(int number) {
    run::WatchedEpisode episode;
    recorder_.reset(watched_seed(job_, number));
    const double speed = job_.settings.watch.speed;
    auto due = Clock::now();
    int steps = 1;  // from one picture to the next
    while (true) {
      if (episode.is_over || episode.steps % steps == 0) {
        const Drawing drawing = pictures_.next(recorder_);
        steps = run::steps_per_picture(drawing.view(), speed);
        step_seconds_ = std::min(static_cast<double>(drawing.view().step_seconds) / speed, 1e6);
        screen_.show(drawing, fmt::format("{}  ({}; q ends)",
                                          episode_text(number, job_.settings.evaluate.episodes, episode),
                                          actions_.help()));
      }
      if (episode.is_over) return episode;
      due = std::max(due, Clock::now() - kLookForSignal) +
            std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(step_seconds_));
      if (!take_keys_until(due)) return episode;
      const StepResult result = recorder_.step(actions_.action(Clock::now(), recorder_.action_mask()));
      ++episode.steps;
      episode.episode_return += static_cast<double>(result.reward);
      episode.is_over = result.terminated || result.truncated;
      episode.is_lost = result.lost;
    }
  }

  /// Whether the person goes on.
  bool take_keys_until(Clock::time_point time) {
    while (run::stop_signal() == 0) {
      const auto left = std::chrono::duration_cast<Milliseconds>(time - Clock::now());
      const auto key = keys_.next(std::clamp(left, Milliseconds{0}, kLookForSignal));
      if (key && key->key == Key::kQuit) return false;
      if (key) actions_.press(*key, Clock::now());
      if (!key && Clock::now() >= time) return true;
      // Keys that come faster than steps do not hold the task up.
      if (key && Clock::now() >= time) return true;
    }
    return false;
  }

  const Job& job_;
  PictureScreen& screen_;
  DemonstrationRecorder recorder_;
  KeyActions actions_;
  KeyReader keys_;
  run::Pictures pictures_;
  double step_seconds_ = 0;
};

int play_and_write(const Job& job, PictureScreen& screen) {
  HumanPlay human(job, screen);
  for (const std::string& result : human.play()) print_text(result);
  if (!job.settings.watch.demonstrations.empty())
    write_recording(job.settings.watch.demonstrations, human.recorded());
  finish_output();
  return 0;
}

}  // namespace

int record_policy(const Job& job, const Path& path) {
  check_recording(job.settings.watch.demonstrations);
  auto recorder = std::make_unique<DemonstrationRecorder>(watched_environment(job),
                                                          fmt::format("the policy {}", path.string()));
  const DemonstrationRecorder& recording = *recorder;
  PolicyPlayer player(job, path, std::move(recorder));
  const int episodes = job.settings.evaluate.episodes;
  LiveLine line(kPlainInterval);
  for (int number = 0; number < episodes; ++number) {
    const auto episode = player.play(number, [&](const run::WatchedEpisode& state) {
      if (line.due()) line.show("playing " + episode_text(number, episodes, state));
    });
    if (episode.is_lost) log(LogLevel::kWarning, "{}", episode_text(number, episodes, episode));
  }
  line.erase();
  write_recording(job.settings.watch.demonstrations, recording.demonstrations());
  return 0;
}

int play_by_hand(const Job& job) {
  if (!job.settings.watch.demonstrations.empty()) check_recording(job.settings.watch.demonstrations);
  if (!is_key_terminal() || !is_picture_terminal()) {
    throw ArgumentError(
        fmt::format("--human plays in a terminal, and standard {}; expected a call in a terminal. A program "
                    "can play in a "
                    "person's place: examples/record_demonstrations records one",
                    is_key_terminal() ? "output is none that shows pictures" : "input is none"));
  }
  // Refused before the terminal is touched.
  const KeyActions actions(completed(environment_spec(job)).action_space);
  const KeyTerminal terminal;
  return play_on_screen([&](PictureScreen& screen) { return play_and_write(job, screen); }, kTimeToWrite);
}

}  // namespace genkidama::cli
