#pragma once

/// @file
/// The mean of what came last.

#include <cstddef>
#include <deque>
#include <numeric>
#include <optional>

namespace genkidama::run {

/// Of the latest 100 values.
class RecentMean {
 public:
  static constexpr std::size_t kValues = 100;

  void add(double value) {
    values_.push_back(value);
    if (values_.size() > kValues) values_.pop_front();
  }

  /// The oldest first.
  const std::deque<double>& values() const { return values_; }

  /// Nothing before the first value.
  std::optional<double> mean() const {
    if (values_.empty()) return {};
    return std::accumulate(values_.begin(), values_.end(), 0.0) / static_cast<double>(values_.size());
  }

 private:
  std::deque<double> values_;
};

}  // namespace genkidama::run
