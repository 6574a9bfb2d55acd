#include "run/watch/pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"

namespace genkidama::run {
namespace {

constexpr double kLeastSeconds = 0.04;  // of a picture
constexpr double kLastSeconds = 1.5;

}  // namespace

Drawing Pictures::next(const Environment& environment) {
  Drawing drawing = drawing_of(environment);
  if (!drawing.has_view()) {
    const std::string& problem = drawing.problem();
    throw ArgumentError(fmt::format(
        "environment '{}' cannot be watched: {}", environment.spec().name,
        problem.empty()
            ? "it draws nothing; expected Environment::draw() to begin with Canvas::view() (an environment "
              "in another process draws nothing)"
            : "in draw(), " + problem));
  }
  if (!drawing.problem().empty() && !std::exchange(has_warned_, true)) {
    log(LogLevel::kWarning, "environment '{}': in draw(), {}; what breaks a rule is left out",
        environment.spec().name, drawing.problem());
  }
  return drawing;
}

int steps_per_picture(const View& view, double speed) {
  constexpr double kMost = 1e6;
  const double seconds = static_cast<double>(view.step_seconds) / speed;
  return static_cast<int>(std::clamp(std::ceil(kLeastSeconds / seconds - 1e-3), 1.0, kMost));
}

void FilmMaker::add(const Environment& environment, const WatchedEpisode& episode) {
  if (film_.size() >= kMostFrames) {
    is_cut_ = true;
    return;
  }
  if (!episode.is_over && episode.steps % steps_ != 0) return;
  Drawing drawing = pictures_.next(environment);
  if (film_.empty()) steps_ = steps_per_picture(drawing.view(), speed_);
  const double seconds = steps_ * static_cast<double>(drawing.view().step_seconds) / speed_;
  film_.push_back({std::move(drawing), seconds});
}

picture::Film FilmMaker::take() {
  if (!film_.empty()) film_.back().seconds = std::max(film_.back().seconds, kLastSeconds);
  return std::move(film_);
}

}  // namespace genkidama::run
