#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands/checkpoint_records.h"
#include "cli/commands/commands.h"
#include "cli/commands/demonstrations_command.h"
#include "cli/commands/film_file.h"
#include "cli/commands/on_screen.h"
#include "cli/commands/policy_player.h"
#include "cli/terminal/live_line.h"
#include "cli/terminal/output.h"
#include "cli/terminal/picture_screen.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/run/stop_signal.h"
#include "run/watch/pictures.h"
#include "run/watch/watched_episode.h"

namespace genkidama::cli {
namespace {

using Path = std::filesystem::path;

constexpr Milliseconds kPlainInterval{5'000};
constexpr Milliseconds kLastPicture{1'000};

// --- a film ---

/// The episode with the highest return, the first one of several.
struct BestFilm {
  picture::Film film;
  bool is_cut = false;
  int number = 0;
  run::WatchedEpisode episode;
};

BestFilm best_film(const Job& job, PolicyPlayer& player) {
  const int episodes = job.settings.evaluate.episodes;
  run::Pictures pictures;
  LiveLine line(kPlainInterval);
  std::optional<BestFilm> best;
  for (int number = 0; number < episodes; ++number) {
    run::FilmMaker maker(pictures, job.settings.watch.speed);
    const auto episode = player.play(number, [&](const run::WatchedEpisode& state) {
      maker.add(player.environment(), state);
      if (line.due()) line.show("playing " + episode_text(number, episodes, state));
    });
    if (episode.is_lost) {
      log(LogLevel::kWarning, "{}", episode_text(number, episodes, episode));
      continue;
    }
    if (best && episode.episode_return <= best->episode.episode_return) continue;
    best = BestFilm{maker.take(), maker.is_cut(), number, episode};
  }
  line.erase();
  if (!best) throw Error("no episode was played to its end, so there is nothing to record");
  return std::move(*best);
}

int record(const Job& job, const Path& path) {
  const FilmFile file(job.settings.watch.record);
  PolicyPlayer player(job, path, watched_environment(job));
  const BestFilm best = best_film(job, player);
  if (best.is_cut)
    log(LogLevel::kWarning, "the film ends after {} pictures, before its episode does", best.film.size());
  LiveLine line(kPlainInterval);
  file.write(best.film, [&](double done) {
    if (run::stop_signal() != 0) throw StoppedError("stopped by a signal");
    if (line.due()) line.show(fmt::format("writing {}: {:.0f} %", file.path().string(), 100 * done));
  });
  line.erase();
  print("{}: {}, {} pictures\n", file.path().string(),
        episode_text(best.number, job.settings.evaluate.episodes, best.episode), best.film.size());
  return 0;
}

// --- the terminal ---

std::vector<std::string> show_episodes(const Job& job, PolicyPlayer& player, PictureScreen& screen) {
  const ScreenVisit visit(screen);
  const int episodes = job.settings.evaluate.episodes;
  const double speed = job.settings.watch.speed;
  run::Pictures pictures;
  std::vector<std::string> results;
  for (int number = 0; number < episodes; ++number) {
    int steps = 1;
    auto due = Clock::now();
    const auto episode = player.play(number, [&](const run::WatchedEpisode& state) {
      if (!state.is_over && state.steps % steps != 0) return;
      const Drawing drawing = pictures.next(player.environment());
      steps = run::steps_per_picture(drawing.view(), speed);
      rest_until(due);
      screen.show(drawing, episode_text(number, episodes, state) + "  (Ctrl-C ends)");
      const double seconds = steps * static_cast<double>(drawing.view().step_seconds) / speed;
      // A slow environment or terminal is not caught up with afterwards.
      due =
          std::max(due, Clock::now() - kLookForSignal) +
          std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::min(seconds, 1e6)));
    });
    results.push_back(episode_text(number, episodes, episode) + '\n');
    rest_until(Clock::now() + kLastPicture);
  }
  return results;
}

/// In the process that plays.
int show(const Job& job, const Path& path, PictureScreen& screen) {
  PolicyPlayer player(job, path, watched_environment(job));
  for (const std::string& result : show_episodes(job, player, screen)) print_text(result);
  finish_output();
  return 0;
}

int play_in_terminal(const Job& job, const Path& path) {
  if (!is_picture_terminal()) {
    throw ArgumentError(
        "watch plays in a terminal, and standard output is none; expected --record FILE.gif, or a call in a "
        "terminal");
  }
  return play_on_screen([&](PictureScreen& screen) { return show(job, path, screen); });
}

}  // namespace

int run_watch(Job job) {
  if (job.settings.watch.human) return play_by_hand(job);
  if (job.settings.evaluate.checkpoints.size() > 1)
    throw ArgumentError(fmt::format("--checkpoint is given {} files; expected one to watch",
                                    job.settings.evaluate.checkpoints.size()));
  const Path path = checkpoints_named(job.settings.evaluate.checkpoints).back();
  take_records(job, {path});
  // The preset that the file names may bring a network of its own.
  job.settings.network = mlp_options(job.program.presets.at(job.settings.preset).network);
  if (!job.settings.watch.demonstrations.empty()) return record_policy(job, path);
  return job.settings.watch.record.empty() ? play_in_terminal(job, path) : record(job, path);
}

}  // namespace genkidama::cli
