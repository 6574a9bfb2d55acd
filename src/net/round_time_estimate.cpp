#include "net/round_time_estimate.h"

#include <algorithm>
#include <span>

namespace genkidama {
namespace {

/// Reorders.
Clock::duration median_of(std::span<Clock::duration> spans) {
  const auto middle = spans.begin() + static_cast<std::ptrdiff_t>(spans.size() / 2);
  std::nth_element(spans.begin(), middle, spans.end());
  return *middle;
}

}  // namespace

void RoundTimeEstimate::add(Clock::duration span) {
  ring_[next_] = std::max(span, Clock::duration::zero());
  next_ = (next_ + 1) % kSpans;
  count_ = std::min(count_ + 1, kSpans);
}

std::optional<Clock::duration> RoundTimeEstimate::median() const {
  if (count_ == 0) return std::nullopt;
  auto spans = ring_;
  return median_of(std::span(spans).first(count_));
}

std::optional<Clock::duration> RoundTimeEstimate::allowance() const {
  if (count_ < kFewest) return std::nullopt;
  const Clock::duration middle = *median();
  auto deviations = ring_;
  const auto known = std::span(deviations).first(count_);
  for (Clock::duration& span : known) span = span < middle ? middle - span : span - middle;
  return middle + kDeviations * std::max(median_of(known), middle / kDeviations);
}

Clock::duration RoundTimeEstimate::allowance(Clock::duration floor) const {
  return std::max(floor, allowance().value_or(floor));
}

}  // namespace genkidama
