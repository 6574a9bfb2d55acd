#include "run/search/halving.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace genkidama::run {

Halving::Halving(std::size_t trials, std::size_t rungs, std::size_t reduction)
    : trials_(trials), rungs_(rungs), reduction_(reduction) {}

std::optional<Halving::Step> Halving::next() const {
  for (std::size_t rung = rungs_ - 1; rung > 0; --rung) {
    if (const auto trial = promotable(rung - 1)) return Step{*trial, rung};
  }
  for (std::size_t trial = 0; trial < trials_.size(); ++trial) {
    if (trials_[trial].assigned == 0) return Step{trial, 0};
  }
  return {};
}

std::optional<std::size_t> Halving::promotable(std::size_t rung) const {
  constexpr double kLowest = -std::numeric_limits<double>::infinity();
  struct Place {
    double score;
    std::size_t trial;
  };
  std::vector<Place> places;
  for (std::size_t i = 0; i < trials_.size(); ++i) {
    const Trial& trial = trials_[i];
    if (trial.scores.size() > rung) {
      const double score = trial.scores[rung];
      places.push_back({std::isnan(score) ? kLowest : score, i});
    } else if (trial.failed && trial.assigned == rung + 1) {
      places.push_back({kLowest, i});
    }
  }
  std::stable_sort(places.begin(), places.end(),
                   [](const Place& a, const Place& b) { return a.score > b.score; });
  places.resize(places.size() / reduction_);
  for (const Place& place : places) {
    const Trial& trial = trials_[place.trial];
    if (trial.assigned == rung + 1 && !trial.failed) return place.trial;
  }
  return {};
}

void Halving::assign(Step step) {
  trials_[step.trial].assigned = step.rung + 1;
}

void Halving::score(std::size_t trial, double score) {
  trials_[trial].scores.push_back(score);
}

void Halving::fail(std::size_t trial) {
  trials_[trial].failed = true;
}

}  // namespace genkidama::run
