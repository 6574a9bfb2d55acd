#include "genkidama/params/running_statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "support/catch.h"
#include "support/same_statistics.h"

using namespace genkidama;
using Catch::Contains;
using genkidama::test::check_same;

namespace {

constexpr std::size_t kComponents = 3;

/// Vectors with means and scales that lie far apart: 1e4 + small, around 0, and tiny.
std::vector<std::vector<float>> stream(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::vector<float>> vectors;
  for (std::size_t i = 0; i < count; ++i) {
    vectors.push_back({static_cast<float>(1e4 + random.uniform(-1, 1)), static_cast<float>(random.normal()),
                       static_cast<float>(1e-4 * random.uniform(0, 1))});
  }
  return vectors;
}

RunningStatistics statistics_of(const std::vector<std::vector<float>>& vectors, std::size_t begin,
                                std::size_t end) {
  RunningStatistics statistics(kComponents);
  for (std::size_t i = begin; i < end; ++i) statistics.add(vectors[i]);
  return statistics;
}

}  // namespace

TEST_CASE("running statistics are those of two passes over the stream") {
  const auto vectors = stream(5000, 1);
  const RunningStatistics statistics = statistics_of(vectors, 0, vectors.size());
  CHECK(statistics.count() == 5000);
  for (std::size_t c = 0; c < kComponents; ++c) {
    double mean = 0, variance = 0;
    for (const auto& vector : vectors) mean += static_cast<double>(vector[c]) / 5000;
    for (const auto& vector : vectors) variance += (vector[c] - mean) * (vector[c] - mean) / 5000;
    CHECK(statistics.mean(c) == Approx(mean).epsilon(1e-9));
    CHECK(statistics.variance(c) == Approx(variance).epsilon(1e-9));
  }
}

TEST_CASE("merged parts are the whole stream, whatever their sizes and order") {
  const auto vectors = stream(4001, 2);
  const RunningStatistics whole = statistics_of(vectors, 0, vectors.size());
  Random random(3);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<std::size_t> cuts{0, vectors.size()};
    for (int i = 0; i < 7; ++i) cuts.push_back(static_cast<std::size_t>(random.below(vectors.size())));
    std::sort(cuts.begin(), cuts.end());
    std::vector<RunningStatistics> parts;
    for (std::size_t i = 0; i + 1 < cuts.size(); ++i)
      parts.push_back(statistics_of(vectors, cuts[i], cuts[i + 1]));
    for (std::size_t i = parts.size(); i > 1; --i)
      std::swap(parts[i - 1], parts[static_cast<std::size_t>(random.below(i))]);
    RunningStatistics merged(kComponents);
    for (const RunningStatistics& part : parts) merged.merge(part);
    check_same(merged, whole);
    // Two halves, each merged by itself.
    RunningStatistics left(kComponents), right(kComponents);
    for (std::size_t i = 0; i < parts.size(); ++i) (i % 2 == 0 ? left : right).merge(parts[i]);
    right.merge(left);
    check_same(right, whole);
  }
}

TEST_CASE("an empty stream changes nothing and has mean and variance 0") {
  RunningStatistics empty(kComponents);
  CHECK(empty.count() == 0);
  CHECK(empty.mean(1) == 0);
  CHECK(empty.variance(1) == 0);
  const auto vectors = stream(10, 4);
  const RunningStatistics whole = statistics_of(vectors, 0, 10);
  RunningStatistics merged = whole;
  merged.merge(empty);
  CHECK(merged == whole);
  empty.merge(whole);
  check_same(empty, whole);
  merged.clear();
  CHECK(merged == RunningStatistics(kComponents));
}

TEST_CASE("statistics go through their array unchanged") {
  const auto vectors = stream(100, 5);
  const RunningStatistics whole = statistics_of(vectors, 0, 100);
  CHECK(RunningStatistics(whole.values()) == whole);
  CHECK(whole.values().size() == 7);
}

TEST_CASE("an array that is no statistics is refused with what is wrong in it") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const auto fault = [](const std::vector<double>& values) { return RunningStatistics::fault(values); };
  CHECK(fault({}).empty());
  CHECK(fault({2, 1.5, 0.5}).empty());
  CHECK_THAT(fault({1}), Contains("statistics of 1 numbers"));
  CHECK_THAT(fault({1, 2, 3, 4}), Contains("statistics of 4 numbers"));
  CHECK_THAT(fault({-1, 0, 0}), Contains("statistics of -1 vectors"));
  CHECK_THAT(fault({0.5, 0, 0}), Contains("whole number"));
  CHECK_THAT(fault({nan, 0, 0}), Contains("nan vectors"));
  CHECK_THAT(fault({1e300, 0, 0}), Contains("2^53"));
  CHECK_THAT(fault({1, nan, 0}), Contains("mean of component 0"));
  CHECK_THAT(fault({1, -1e40, 0}), Contains("mean of component 0 is -1e+40; expected at most 1e+39"));
  CHECK_THAT(fault({2, 0, 3e78}), Contains("expected 0 to 2e+78"));
  CHECK_THAT(fault({0, 0, 1}), Contains("expected 0 to 0"));
  CHECK_THAT(fault({1, infinity, 0}), Contains("inf"));
  CHECK_THAT(fault({1, 0, 0, 0, -1e-9}), Contains("squares of component 1"));
  CHECK_THAT(fault({1, 0, infinity}), Contains("squares of component 0"));
  CHECK_THROWS_AS(RunningStatistics(std::vector<double>{1, nan, 0}), ArgumentError);
  RunningStatistics two(2);
  CHECK_THROWS_AS(two.merge(RunningStatistics(3)), ArgumentError);
}

TEST_CASE("a stream that is told again replaces what was told before") {
  const auto vectors = stream(300, 6);
  StreamStatistics streams(kComponents);
  streams.set(7, statistics_of(vectors, 0, 100));
  streams.set(3, statistics_of(vectors, 100, 200));
  streams.set(7, statistics_of(vectors, 0, 100));  // told again after a link was lost
  check_same(streams.all(), statistics_of(vectors, 0, 200));
  check_same(streams.all_but(7), statistics_of(vectors, 100, 200));
  check_same(streams.all_but(99), statistics_of(vectors, 0, 200));
  streams.set(3, statistics_of(vectors, 100, 300));  // it has gone on
  check_same(streams.all(), statistics_of(vectors, 0, 300));
  CHECK(streams.size() == 2);
}

TEST_CASE("streams are saved and restored") {
  const auto vectors = stream(200, 7);
  StreamStatistics streams(kComponents);
  streams.set(UINT64_MAX, statistics_of(vectors, 0, 100));
  streams.set(1, statistics_of(vectors, 100, 200));
  const SavedState saved(streams);
  StreamStatistics restored(kComponents);
  restored.restore(saved.reader());
  CHECK(restored.size() == 2);
  CHECK(restored.all() == streams.all());
  CHECK(restored.all_but(1) == streams.all_but(1));

  StreamStatistics other(kComponents + 1);
  CHECK_THROWS_AS(other.restore(saved.reader()), LayoutError);
  // A state without streams is that of a run without statistics.
  StreamStatistics none(kComponents);
  none.restore(SavedState().reader());
  CHECK(none.size() == 0);
}

TEST_CASE("damaged streams in a state are refused") {
  const auto state_of = [](double count) {
    StateWriter writer;
    writer.u64s("stream_numbers", std::vector<std::uint64_t>{1});
    writer.f64s("stream_statistics", std::vector<double>{count, 0, 1});
    return writer.take();
  };
  StreamStatistics streams(1);
  const Checkpoint sound = state_of(2), negative = state_of(-2), huge = state_of(1e13);
  streams.restore(StateReader(sound, "state"));
  CHECK(streams.all().count() == 2);
  CHECK_THROWS_AS(streams.restore(StateReader(negative, "state")), FormatError);
  CHECK_THROWS_AS(streams.restore(StateReader(huge, "state")), FormatError);
  CHECK(streams.all().count() == 2);
}

TEST_CASE("statistics that are out of range are refused, and the shortest of too many streams is forgotten") {
  StreamStatistics streams(1);
  CHECK_THROWS_AS(streams.set(1, RunningStatistics(2)), ArgumentError);
  CHECK_THROWS_AS(streams.set(1, RunningStatistics(std::vector<double>{1e13, 0, 0})), ArgumentError);
  for (std::uint64_t i = 0; i <= StreamStatistics::kMostStreams; ++i) {
    streams.set(i, RunningStatistics(std::vector<double>{i == 100 ? 1.0 : 2.0, 0, 0}));
  }
  CHECK(streams.size() == StreamStatistics::kMostStreams);
  CHECK(streams.all().count() == 2.0 * StreamStatistics::kMostStreams);
}
