#include "run/page/run_history.h"

#include <fmt/format.h>

#include <iterator>

#include "genkidama/core/is_finite.h"
#include "run/page/json_text.h"

namespace genkidama::run {

void RunHistory::Row::add(const Row& later) {
  steps = later.steps;
  seconds = later.seconds;
  if (!is_finite(low) || later.low < low) low = is_finite(later.low) ? later.low : low;
  if (!is_finite(high) || later.high > high) high = is_finite(later.high) ? later.high : high;
  for (std::size_t i = 0; i < means.size(); ++i) means[i].add(later.means[i]);
  updates += later.updates;
}

RunHistory::Row RunHistory::row_of(const HistoryPoint& point) {
  Row row;
  row.steps = point.steps;
  row.seconds = point.seconds;
  row.low = point.low_return;
  row.high = point.high_return;
  row.updates = 1;
  const std::array<double, 5> values = {point.mean_return, point.policy_loss, point.value_loss, point.entropy,
                                        point.approximate_kl};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (is_finite(values[i])) row.means[i] = {values[i], 1};
  }
  return row;
}

void RunHistory::add(const HistoryPoint& point) {
  const Row row = row_of(point);
  if (is_last_open()) {
    rows_.back().add(row);
    return;
  }
  if (rows_.size() == kMost) merge_pairs();
  rows_.push_back(row);
}

void RunHistory::merge_pairs() {
  for (std::size_t i = 0; i < rows_.size() / 2; ++i) {
    Row both = rows_[2 * i];
    both.add(rows_[2 * i + 1]);
    rows_[i] = both;
  }
  rows_.resize(rows_.size() / 2);
  updates_per_row_ *= 2;
  ++generation_;
}

std::string RunHistory::json_from(std::size_t first) const {
  std::string text = "[";
  for (std::size_t i = first; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    fmt::format_to(std::back_inserter(text), "{}[{:.0f},{:.3f},{},{},{}", i == first ? "" : ",", row.steps,
                   row.seconds, number_text(row.means[0].value()), number_text(row.low),
                   number_text(row.high));
    for (std::size_t k = 1; k < row.means.size(); ++k) text += ',' + number_text(row.means[k].value());
    text += ']';
  }
  return text + "]";
}

}  // namespace genkidama::run
