#pragma once

/// @file
/// The mean of what came last.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <numeric>
#include <optional>

namespace genkidama::run {

/// The mean return of the latest 100 episodes.
class RecentMean {
 public:
  static constexpr std::size_t kEpisodes = 100;

  /// Adds this many episodes that had this mean return. Without episodes nothing changes.
  void add(double mean_return, std::uint64_t episodes = 1) {
    const std::size_t added = std::min<std::uint64_t>(episodes, kEpisodes);
    values_.insert(values_.end(), added, mean_return);
    if (values_.size() > kEpisodes) values_.erase(values_.begin(), values_.end() - kEpisodes);
  }

  /// One value for each episode, the oldest first.
  const std::deque<double>& values() const { return values_; }

  /// The mean of the latest `episodes` of them; nothing while there are fewer.
  std::optional<double> latest(std::size_t episodes) const {
    if (values_.size() < episodes) return {};
    const auto first = values_.end() - static_cast<std::ptrdiff_t>(episodes);
    return std::accumulate(first, values_.end(), 0.0) / static_cast<double>(episodes);
  }

  /// Nothing before the first episode.
  std::optional<double> mean() const {
    if (values_.empty()) return {};
    return std::accumulate(values_.begin(), values_.end(), 0.0) / static_cast<double>(values_.size());
  }

 private:
  std::deque<double> values_;
};

}  // namespace genkidama::run
