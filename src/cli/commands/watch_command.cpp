#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cli/commands/checkpoint_records.h"
#include "cli/commands/commands.h"
#include "cli/commands/film_file.h"
#include "cli/commands/guarded.h"
#include "cli/options/settings_check.h"
#include "cli/terminal/live_line.h"
#include "cli/terminal/output.h"
#include "cli/terminal/picture_screen.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/core/utf8.h"
#include "genkidama/env/checked_environment.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/rl/policy.h"
#include "genkidama/run/stop_signal.h"
#include "rl/evaluation_seeds.h"
#include "run/evaluation/read_policy.h"
#include "run/process/spawned_process.h"
#include "run/watch/pictures.h"
#include "run/watch/watched_episode.h"

namespace genkidama::cli {
namespace {

using Path = std::filesystem::path;

constexpr Milliseconds kPlainInterval{5'000};
constexpr Milliseconds kStopInterval{20};  // between two looks for a signal
constexpr Milliseconds kLastPicture{1'000};

/// Plays the episodes that an evaluation of the same policy plays.
class Player {
 public:
  Player(const Job& job, Path path) : job_(job), path_(std::move(path)) {
    EnvironmentContext context;
    context.purpose = EnvironmentPurpose::kEvaluate;
    context.keep_waiting = [] { return run::stop_signal() == 0; };
    environment_ = make_checked(environment_of(job_)(context));
    spec_ = environment_->spec();
    const Checkpoint file = as_argument([&] { return read_safetensors(path_); });
    if (const auto recorded = file.metadata.find("environment"); recorded != file.metadata.end())
      take_name(recorded->second);
    // One that does not fit is refused before the first episode.
    policy_for(0);
  }

  const Environment& environment() const { return *environment_; }

  /// Episode `number`, from 0. Throws StoppedError after a signal.
  run::WatchedEpisode play(int number, const std::function<void(const run::WatchedEpisode&)>& on_state) {
    const std::uint64_t seed =
        evaluated_episode_seed(job_.settings.learning.seed, static_cast<std::uint64_t>(number));
    Policy policy = policy_for(seed);
    return run::play_watched(*environment_, policy, seed, [&](const run::WatchedEpisode& episode) {
      if (run::stop_signal() != 0) throw StoppedError("stopped by a signal");
      on_state(episode);
      return true;
    });
  }

 private:
  /// A policy from an environment of another name is played where all else is the same.
  void take_name(const std::string& recorded) {
    const std::string own = std::exchange(spec_.name, recorded);
    try {
      policy_for(0);
    } catch (const ArgumentError&) {
      spec_.name = own;  // and what refuses the file names both
      return;
    }
    run::warn_of_other_environment(path_, recorded, to_utf8(own));
  }

  Policy policy_for(std::uint64_t episode_seed) const {
    PolicyOptions options;
    options.environment = spec_;
    options.acting = job_.settings.run.greedy ? Acting::kGreedy : Acting::kSampling;
    options.seed = sampled_actions_seed(episode_seed);
    // A bundled network is the one that the file names.
    if (!job_.settings.network) options.network = network_of(job_);
    if (job_.program.algorithm) {
      options.behaviour = job_.program.algorithm(resolved_hyperparameters(job_.settings))
                              ->make_behaviour(environment_->spec());
    }
    return as_argument([&] { return load_policy(path_, options); });
  }

  const Job& job_;
  Path path_;
  std::unique_ptr<Environment> environment_;
  EnvironmentSpec spec_;  ///< with the name that the file has, for a policy may play in another environment
};

std::string episode_text(int number, int episodes, const run::WatchedEpisode& episode) {
  return fmt::format("episode {}{}: return {:.1f}, {} step{}{}", number + 1,
                     episodes == 1 ? "" : fmt::format(" of {}", episodes), episode.episode_return,
                     episode.steps, episode.steps == 1 ? "" : "s",
                     episode.is_lost ? ", lost: the environment failed" : "");
}

// --- a film ---

/// The episode with the highest return, the first one of several.
struct BestFilm {
  picture::Film film;
  bool is_cut = false;
  int number = 0;
  run::WatchedEpisode episode;
};

BestFilm best_film(const Job& job, Player& player) {
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
  Player player(job, path);
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

void rest_until(Clock::time_point time) {
  while (run::stop_signal() == 0) {
    const auto left = time - Clock::now();
    if (left <= Clock::duration::zero()) return;
    std::this_thread::sleep_for(std::min<Clock::duration>(left, kStopInterval));
  }
}

/// Keeps messages while the screen is another one, and tells them afterwards.
class KeptMessages {
 public:
  KeptMessages() {
    set_log_sink([this](LogLevel level, std::string_view text) {
      constexpr std::size_t kMost = 100;
      if (texts_.size() < kMost) texts_.push_back(fmt::format("{}{}\n", log_prefix(level), text));
    });
  }
  ~KeptMessages() {
    set_log_sink({});
    for (const std::string& text : texts_) print_error(text);
  }
  KeptMessages(const KeptMessages&) = delete;
  KeptMessages& operator=(const KeptMessages&) = delete;

 private:
  std::vector<std::string> texts_;
};

/// Leaves the screen before messages are told, whatever is thrown.
class Leaving {
 public:
  explicit Leaving(PictureScreen& screen) : screen_(screen) {}
  ~Leaving() { screen_.leave(); }
  Leaving(const Leaving&) = delete;
  Leaving& operator=(const Leaving&) = delete;

 private:
  PictureScreen& screen_;
};

std::vector<std::string> show_episodes(const Job& job, Player& player, PictureScreen& screen) {
  const KeptMessages messages;
  const Leaving leaving(screen);
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
          std::max(due, Clock::now() - kStopInterval) +
          std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::min(seconds, 1e6)));
    });
    results.push_back(episode_text(number, episodes, episode) + '\n');
    rest_until(Clock::now() + kLastPicture);
  }
  return results;
}

/// In the process that plays.
int show(const Job& job, const Path& path, PictureScreen& screen) {
  Player player(job, path);
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
  // An environment may crash or call exit(): it is played in a process of its own, and this one leaves the
  // screen in any case.
  PictureScreen screen;
  run::SpawnedProcess::Options options;
  options.name = "watch";
  options.body = [&] { return guarded([&] { return show(job, path, screen); }); };
  run::SpawnedProcess process(std::move(options));
  while (process.running()) {
    if (run::stop_signal() != 0) return 128 + run::stop_signal();  // and the process is killed
    run::pause_before_look();
  }
  screen.leave();
  constexpr int kSignalled = 128;
  if (process.exit_code() > kSignalled && run::stop_signal() == 0)
    print_error(
        fmt::format("error: the process that played ended with {}\n", run::exit_text(process.exit_code())));
  return process.exit_code();
}

}  // namespace

int run_watch(Job job) {
  if (job.settings.evaluate.checkpoints.size() > 1)
    throw ArgumentError(fmt::format("--checkpoint is given {} files; expected one to watch",
                                    job.settings.evaluate.checkpoints.size()));
  const Path path = checkpoints_named(job.settings.evaluate.checkpoints).back();
  take_records(job, {path});
  // The preset that the file names may bring a network of its own.
  job.settings.network = mlp_options(job.program.presets.at(job.settings.preset).network);
  return job.settings.watch.record.empty() ? play_in_terminal(job, path) : record(job, path);
}

}  // namespace genkidama::cli
