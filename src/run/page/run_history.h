#pragma once

/// @file
/// The curves of a run in bounded memory.

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace genkidama::run {

/// What one update adds to the curves. NaN: not known, or not of this kind of run.
struct HistoryPoint {
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

  double steps = 0, seconds = 0;  ///< of the run, after the update
  double mean_return = kUnknown, low_return = kUnknown, high_return = kUnknown;
  double policy_loss = kUnknown, value_loss = kUnknown, entropy = kUnknown, approximate_kl = kUnknown;
};

/// Takes the updates of a run one by one. A row is one update at first. When there are kMost rows each two
/// become one, and rows are twice as long from then on: means, and the least and greatest return.
class RunHistory {
 public:
  static constexpr std::size_t kMost = 512;  ///< rows; an even number

  void add(const HistoryPoint& point);

  /// Another number means that the rows before have changed.
  std::uint64_t generation() const { return generation_; }
  std::size_t size() const { return rows_.size(); }
  /// Whether the last row is still going to change.
  bool is_last_open() const { return !rows_.empty() && rows_.back().updates < updates_per_row_; }
  /// The rows from number `first` on as a JSON array of arrays, in the order of the fields of HistoryPoint.
  std::string json_from(std::size_t first) const;

 private:
  struct Mean {
    double sum = 0;
    std::uint64_t count = 0;
    void add(const Mean& other) {
      sum += other.sum;
      count += other.count;
    }
    double value() const { return count > 0 ? sum / static_cast<double>(count) : HistoryPoint::kUnknown; }
  };
  struct Row {
    double steps = 0, seconds = 0;
    double low = HistoryPoint::kUnknown, high = HistoryPoint::kUnknown;
    std::array<Mean, 5> means;
    std::uint64_t updates = 0;

    void add(const Row& later);
  };

  static Row row_of(const HistoryPoint& point);
  void merge_pairs();

  std::vector<Row> rows_;
  std::uint64_t updates_per_row_ = 1;
  std::uint64_t generation_ = 0;
};

}  // namespace genkidama::run
