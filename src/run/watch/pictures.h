#pragma once

/// @file
/// What an environment draws while it is watched, and the film of it.

#include <cstddef>

#include "env/picture/film.h"
#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"
#include "run/watch/watched_episode.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// Draws an environment.
class Pictures {
 public:
  /// What it draws now, which has a view. Throws ArgumentError that names the environment when it draws none.
  /// Logs a warning the first time that a shape had to be left out.
  Drawing next(const Environment& environment);

 private:
  bool has_warned_ = false;
};

/// The steps from one picture to the next, so that there are at most 25 pictures a second at this speed (2:
/// twice as fast as in the environment's world); at least 1.
int steps_per_picture(const View& view, double speed);

/// Makes a film of an episode. Its last picture, which is shown for longer, is of the episode's last state.
class FilmMaker {
 public:
  /// As many pictures as two minutes have. The film of a longer episode ends with the last of them, for the
  /// pictures of all its steps might not fit into memory.
  static constexpr std::size_t kMostFrames = 3000;

  FilmMaker(Pictures& pictures, double speed) : pictures_(pictures), speed_(speed) {}

  /// After reset() and after each step. Throws as Pictures::next().
  void add(const Environment& environment, const WatchedEpisode& episode);
  /// The film; empty before add().
  picture::Film take();
  /// Whether the episode went on behind the end of the film.
  bool is_cut() const { return is_cut_; }

 private:
  Pictures& pictures_;
  double speed_;
  int steps_ = 1;  ///< from one picture to the next
  bool is_cut_ = false;
  picture::Film film_;
};

}  // namespace run
}  // namespace genkidama
