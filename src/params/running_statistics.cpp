#include "genkidama/params/running_statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"

namespace genkidama {
namespace {

constexpr double kMostVectors = 9007199254740992.0;  // 2^53: beyond it a double skips whole numbers
// What no stream of floats comes to: a mean beyond theirs, or a mean square beyond theirs. Sums of what is
// within stay finite.
constexpr double kMostMean = 1e39;
constexpr double kMostMeanSquare = kMostMean * kMostMean;
constexpr const char* kNumbers = "stream_numbers";
constexpr const char* kStatistics = "stream_statistics";

}  // namespace

RunningStatistics::RunningStatistics(std::span<const double> values) : values_(values.begin(), values.end()) {
  if (const std::string wrong = fault(values); !wrong.empty()) throw ArgumentError(wrong);
}

std::string RunningStatistics::fault(std::span<const double> values) {
  if (values.empty()) return {};
  if (values.size() % 2 == 0 || values.size() == 1) {
    return fmt::format("statistics of {} numbers; expected a count, n means and n sums of squares",
                       values.size());
  }
  const double count = values[0];
  if (!is_finite(count) || count < 0 || count > kMostVectors || std::floor(count) != count) {
    return fmt::format("statistics of {} vectors; expected a whole number from 0 to 2^53", count);
  }
  const std::size_t n = values.size() / 2;
  for (std::size_t i = 0; i < n; ++i) {
    if (!is_finite(values[1 + i]) || std::abs(values[1 + i]) > kMostMean) {
      return fmt::format("the mean of component {} is {:.4g}; expected at most {:g} in size", i,
                         values[1 + i], kMostMean);
    }
    const double squares = values[1 + n + i];
    const double most = kMostMeanSquare * count;
    if (!is_finite(squares) || squares < 0 || squares > most) {
      return fmt::format("the sum of squares of component {} is {:.4g}; expected 0 to {:.4g}", i, squares,
                         most);
    }
  }
  return {};
}

void RunningStatistics::add(std::span<const float> vector) {
  const std::size_t n = components();
  const double count = ++values_[0];
  double* const mean = values_.data() + 1;
  double* const squares = mean + n;
  for (std::size_t i = 0; i < n; ++i) {
    const double distance = vector[i] - mean[i];
    mean[i] += distance / count;
    squares[i] += distance * (vector[i] - mean[i]);
  }
}

void RunningStatistics::merge(const RunningStatistics& other) {
  if (other.components() != components()) {
    throw ArgumentError(fmt::format("statistics of {} components cannot be merged with those of {}",
                                    components(), other.components()));
  }
  if (other.count() == 0) return;
  const std::size_t n = components();
  const double total = count() + other.count();
  const double share = other.count() / total;
  for (std::size_t i = 0; i < n; ++i) {
    const double distance = other.mean(i) - mean(i);
    values_[1 + n + i] += other.values_[1 + n + i] + distance * distance * count() * share;
    values_[1 + i] += distance * share;
  }
  values_[0] = total;
}

std::string StreamStatistics::objection(const RunningStatistics& statistics) const {
  if (statistics.components() != components_) {
    return fmt::format("statistics of {} components were given; expected {}", statistics.components(),
                       components_);
  }
  if (statistics.count() > kMostVectors) {
    return fmt::format("statistics of {} vectors were given; expected at most {}", statistics.count(),
                       kMostVectors);
  }
  return {};
}

void StreamStatistics::set(std::uint64_t stream, RunningStatistics statistics) {
  if (const std::string wrong = objection(statistics); !wrong.empty()) throw ArgumentError(wrong);
  const auto at = std::lower_bound(streams_.begin(), streams_.end(), stream,
                                   [](const Stream& known, std::uint64_t n) { return known.number < n; });
  if (at != streams_.end() && at->number == stream) {
    at->statistics = std::move(statistics);
    return;
  }
  streams_.insert(at, {stream, std::move(statistics)});
  if (streams_.size() <= kMostStreams) return;
  // Forgotten rather than merged away: should the stream be told again, it is not counted twice.
  streams_.erase(std::min_element(streams_.begin(), streams_.end(), [](const Stream& a, const Stream& b) {
    return a.statistics.count() < b.statistics.count();
  }));
}

RunningStatistics StreamStatistics::all_but(std::uint64_t stream) const {
  RunningStatistics merged(components_);
  for (const Stream& known : streams_) {
    if (known.number != stream) merged.merge(known.statistics);
  }
  return merged;
}

RunningStatistics StreamStatistics::all() const {
  RunningStatistics merged(components_);
  for (const Stream& known : streams_) merged.merge(known.statistics);
  return merged;
}

void StreamStatistics::save(StateWriter& state) const {
  std::vector<std::uint64_t> numbers;
  std::vector<double> values;
  for (const Stream& stream : streams_) {
    numbers.push_back(stream.number);
    const auto of_stream = stream.statistics.values();
    values.insert(values.end(), of_stream.begin(), of_stream.end());
  }
  state.u64s(kNumbers, numbers);
  state.f64s(kStatistics, values);
}

void StreamStatistics::restore(const StateReader& state) {
  const std::vector<std::uint64_t> numbers = state.u64s(kNumbers);
  const std::vector<double> values = state.f64s(kStatistics);
  const std::size_t width = RunningStatistics(components_).values().size();
  if (values.size() != numbers.size() * width || numbers.size() > kMostStreams) {
    throw LayoutError(
        fmt::format("{} holds {} numbers of statistics for {} streams of {} numbers each; at most {} streams "
                    "are possible",
                    state.source(), values.size(), numbers.size(), width, kMostStreams));
  }
  StreamStatistics read(components_);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto of_stream = std::span(values).subspan(i * width, width);
    if (const std::string wrong = RunningStatistics::fault(of_stream); !wrong.empty()) {
      throw FormatError(fmt::format("{}: {}", state.source(), wrong));
    }
    RunningStatistics statistics(of_stream);
    if (const std::string wrong = read.objection(statistics); !wrong.empty()) {
      throw FormatError(fmt::format("{}: {}", state.source(), wrong));
    }
    read.set(numbers[i], std::move(statistics));
  }
  streams_ = std::move(read.streams_);
}

}  // namespace genkidama
