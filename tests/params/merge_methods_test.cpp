#include "genkidama/params/merge_methods.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/core/random.h"
#include "genkidama/params/robust_mean.h"
#include "genkidama/params/weighted_average.h"
#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

using Weights = std::vector<float>;
constexpr std::size_t kSize = 13;
constexpr double kAlpha = 0.25;

Weights random_weights(std::uint64_t seed) {
  Random random(seed);
  Weights values(kSize);
  for (float& value : values) value = static_cast<float>(random.uniform(-1, 1));
  return values;
}

MergeOptions options_of(MergeKind kind) {
  MergeOptions options;
  options.kind = kind;
  return options;
}

/// What a Child tells with its weights.
struct Told {
  std::uint64_t staleness = 0, steps = 100;
};

/// A Parent that has nothing but a rule.
struct Merger {
  explicit Merger(const MergeOptions& options) : method(make_merge_method(options)) {}

  void merge(const std::string& child, std::uint64_t session, const Weights& given, Told told = {}) {
    if (std::find(present.begin(), present.end(), session) == present.end()) present.push_back(session);
    std::sort(present.begin(), present.end());
    const MergeContext context{.child = child,
                               .session = session,
                               .sequence = 0,
                               .update = ++update,
                               .staleness = told.staleness,
                               .since_child_began = {},
                               .since_merge = {told.steps, 1},
                               .mean_return = 0,
                               .alpha = kAlpha,
                               .present = present,
                               .layout = layout};
    // As a Parent does it.
    method = method->clone();
    method->merge(weights, given, context);
  }
  void leave(std::uint64_t session) { std::erase(present, session); }

  const ParameterLayout layout;
  std::unique_ptr<MergeMethod> method;
  Weights weights = random_weights(1);
  std::vector<std::uint64_t> present;
  std::uint64_t update = 0;
};

Weights averaged(Weights weights, const Weights& with, double alpha = kAlpha) {
  weighted_average(weights, with, alpha);
  return weights;
}

using Combine = void (*)(Votes, std::span<float>);
struct Robust {
  MergeKind kind;
  Combine combine;
};
const std::vector<Robust> kRobust = {
    {MergeKind::kMedian, [](Votes votes, std::span<float> to) { coordinate_median(votes, to); }},
    {MergeKind::kTrimmedMean, [](Votes votes, std::span<float> to) { trimmed_mean(votes, 1, to); }},
    {MergeKind::kKrum, [](Votes votes, std::span<float> to) { krum(votes, 1, to); }},
    {MergeKind::kMultiKrum, [](Votes votes, std::span<float> to) { multi_krum(votes, 1, to); }}};

Weights combined(const Robust& rule, const std::vector<Weights>& votes) {
  const std::vector<std::span<const float>> spans(votes.begin(), votes.end());
  Weights result(kSize);
  rule.combine(spans, result);
  return result;
}

Checkpoint state_of(const MergeMethod& method) {
  StateWriter writer;
  method.save(writer);
  return writer.take();
}

}  // namespace

TEST_CASE("every kind has its name, and the average is no rule") {
  for (const MergeKind kind : merge_kinds()) {
    CHECK(merge_kind_of(merge_kind_name(kind)) == kind);
    const auto method = make_merge_method(options_of(kind));
    REQUIRE((method == nullptr) == (kind == MergeKind::kAverage));
    if (method) CHECK(method->name() == merge_kind_name(kind));
  }
  CHECK(merge_kinds().size() == 8);
  CHECK_FALSE(merge_kind_of("mean"));
}

TEST_CASE("constants out of range are refused by name") {
  const auto refused = [](auto change, const std::string& expected) {
    MergeOptions options = options_of(MergeKind::kFedAsync);
    change(options);
    CHECK_THROWS_WITH(make_merge_method(options), Contains(expected));
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  refused([](auto& o) { o.staleness_exponent = -1; }, "staleness_exponent of a merge rule is -1");
  refused([&](auto& o) { o.hinge_slope = nan; }, "hinge_slope");
  refused([](auto& o) { o.attackers = 501; }, "attackers of a merge rule is 501; give at most 500");
  refused([](auto& o) { o.trim = 0.5; }, "trim of a merge rule is 0.5; give a number in (0, 0.5)");
  refused([&](auto& o) { o.trim = nan; }, "trim");
  refused([](auto& o) { o.clip_norm = 0; }, "clip_norm of a merge rule is 0");
  refused([](auto& o) { o.kind = static_cast<MergeKind>(99); }, "the kind of a merge rule is 99");
}

TEST_CASE("FedAsync lets alpha fall with the staleness") {
  MergeOptions options = options_of(MergeKind::kFedAsync);
  CHECK(staleness_factor(options, 0) == 1);
  CHECK(staleness_factor(options, 3) == Approx(0.5));
  options.staleness_exponent = 0;
  CHECK(staleness_factor(options, 1000) == 1);
  options.staleness_weight = StalenessWeight::kHinge;
  CHECK(staleness_factor(options, 4) == 1);
  CHECK(staleness_factor(options, 5) == Approx(1.0 / 11));
  CHECK(staleness_factor(options, 14) == Approx(1.0 / 101));

  Merger merger(options);
  const Weights before = merger.weights;
  merger.merge("a", 1, random_weights(2), {.staleness = 5});
  CHECK(merger.weights == averaged(before, random_weights(2), kAlpha / 11));
  CHECK(state_of(*merger.method).metadata.empty());
}

TEST_CASE("by steps, a Child counts by its share of what the Children have played") {
  Merger merger(options_of(MergeKind::kBySteps));
  Weights expected = merger.weights;
  merger.merge("a", 1, random_weights(2), {.steps = 300});
  expected = averaged(expected, random_weights(2));  // alone, it is the mean
  CHECK(merger.weights == expected);
  merger.merge("b", 2, random_weights(3), {.steps = 100});
  expected = averaged(expected, random_weights(3), kAlpha * 100 / 200);
  CHECK(merger.weights == expected);
  merger.merge("a", 1, random_weights(4), {.steps = 10'000'000});
  expected = averaged(expected, random_weights(4), kAlpha * 1e7 / ((1e7 + 100) / 2));
  CHECK(merger.weights == expected);
  merger.merge("b", 2, random_weights(5), {.steps = 0});
  CHECK(merger.weights == expected);
  // It has gone, and counts no more.
  merger.leave(1);
  merger.merge("b", 2, random_weights(6), {.steps = 7});
  CHECK(merger.weights == averaged(expected, random_weights(6)));
}

TEST_CASE("nobody has played: all count alike") {
  Merger merger(options_of(MergeKind::kBySteps));
  const Weights before = merger.weights;
  merger.merge("a", 1, random_weights(2), {.steps = 0});
  CHECK(merger.weights == averaged(before, random_weights(2)));
}

TEST_CASE("a change longer than the norm is cut to it") {
  MergeOptions options = options_of(MergeKind::kClippedNorm);
  options.clip_norm = 0.5;
  Merger merger(options);
  merger.weights.assign(kSize, 0);
  Weights far(kSize, 0);
  far[3] = 8;
  merger.merge("a", 1, far);
  CHECK(merger.weights[3] == Approx(kAlpha * 0.5));
  Weights near = merger.weights;
  near[4] = 0.4F;
  const Weights before = merger.weights;
  merger.merge("a", 1, near);
  CHECK(merger.weights == averaged(before, near));
}

TEST_CASE("without a norm, a change is cut to the median of the Children's") {
  Merger merger(options_of(MergeKind::kClippedNorm));
  merger.weights.assign(kSize, 0);
  const auto along = [&](std::size_t i, float length) {
    Weights weights = merger.weights;
    weights[i] += length;
    return weights;
  };
  merger.merge("a", 1, along(0, 1));
  CHECK(merger.weights[0] == Approx(kAlpha * 1));
  merger.merge("b", 2, along(1, 2));
  CHECK(merger.weights[1] == Approx(kAlpha * 1.5));
  merger.merge("c", 3, along(2, 1e6F));
  CHECK(merger.weights[2] == Approx(kAlpha * 2));
}

TEST_CASE("a robust rule moves W_P towards what it makes of the last weights of all") {
  for (const Robust& rule : kRobust) {
    CAPTURE(merge_kind_name(rule.kind));
    Merger merger(options_of(rule.kind));
    const std::uint64_t fewest = options_of(rule.kind).fewest_children();
    std::vector<Weights> votes;
    Weights expected = merger.weights;
    for (std::uint64_t k = 0; k < 7; ++k) {
      votes.push_back(random_weights(10 + k));
      merger.merge(std::string(1, static_cast<char>('a' + k)), k + 1, votes.back());
      // W_P stays while too few are there.
      if (k + 1 >= fewest) expected = averaged(expected, combined(rule, votes));
      CHECK(merger.weights == expected);
    }
    // Other weights of a Child replace those before.
    votes[2] = random_weights(50);
    merger.merge("c", 3, votes[2]);
    expected = averaged(expected, combined(rule, votes));
    CHECK(merger.weights == expected);
    // A Child that has gone has no vote.
    merger.leave(2);
    votes[0] = random_weights(51);
    merger.merge("a", 1, votes[0]);
    votes.erase(votes.begin() + 1);
    CHECK(merger.weights == averaged(expected, combined(rule, votes)));
  }
}

TEST_CASE("a rule for which too few Children are there says so once, and not at the beginning") {
  std::vector<std::string> told;
  set_log_level(LogLevel::kWarning);
  set_log_sink([&](LogLevel, std::string_view text) { told.emplace_back(text); });
  Merger merger(options_of(MergeKind::kKrum));
  for (std::uint64_t i = 0; i < 9; ++i) merger.merge(i % 2 == 0 ? "a" : "b", 1 + i % 2, random_weights(i));
  CHECK(told.empty());
  for (std::uint64_t i = 0; i < 30; ++i) merger.merge("a", 1, random_weights(i));
  set_log_sink({});
  set_log_level(LogLevel::kError);
  REQUIRE(told.size() == 1);
  CHECK_THAT(told[0],
             Contains("--merge krum with 1 faulty Child needs those of 5 Children, and 2 are there"));
}

TEST_CASE("the order of votes is that of names, whoever came first") {
  const auto after = [](const std::vector<std::size_t>& order) {
    MergeOptions options = options_of(MergeKind::kKrum);
    options.attackers = 0;
    Merger merger(options);
    const std::vector<Weights> votes = {Weights(kSize, 0), Weights(kSize, 2), Weights(kSize, 4)};
    for (const std::size_t k : order)
      merger.merge(std::string(1, static_cast<char>('a' + k)), k + 1, votes[k]);
    return merger.method->clone();
  };
  const auto one = after({0, 1, 2}), other = after({2, 0, 1});
  CHECK(state_of(*one).weights == state_of(*other).weights);
}

TEST_CASE("the trimmed share is rounded up, and leaves something") {
  MergeOptions options = options_of(MergeKind::kTrimmedMean);
  const auto merged = [&](double trim, std::size_t count) {
    options.trim = trim;
    const auto method = make_merge_method(options);
    std::vector<Weights> changes;
    for (std::size_t k = 0; k < count; ++k) changes.push_back(random_weights(20 + k));
    std::vector<WeightedChange> weighted;
    for (const Weights& change : changes) weighted.push_back({change, 1.0, 1.0});
    Weights mean(kSize);
    method->combine(weighted, mean);
    return std::pair(mean, changes);
  };
  const auto expect = [&](double trim, std::size_t count, std::size_t cut) {
    CAPTURE(trim, count);
    const auto [mean, changes] = merged(trim, count);
    const std::vector<std::span<const float>> spans(changes.begin(), changes.end());
    Weights expected(kSize);
    trimmed_mean(spans, cut, expected);
    CHECK(mean == expected);
  };
  expect(0.1, 10, 1);
  expect(0.3, 10, 3);
  expect(0.1, 11, 2);
  expect(0.25, 8, 2);
  expect(0.49, 3, 1);
}

TEST_CASE("a round's changes are combined, a late one after its discount") {
  std::vector<Weights> changes;
  for (std::uint64_t k = 0; k < 6; ++k) changes.push_back(random_weights(30 + k));
  std::vector<WeightedChange> weighted;
  for (const Weights& change : changes) weighted.push_back({change, 5.0, 1.0});
  weighted[4].discount = 0.5;
  auto discounted = changes;
  for (float& value : discounted[4]) value *= 0.5F;
  Weights mean(kSize);
  for (const Robust& rule : kRobust) {
    CAPTURE(merge_kind_name(rule.kind));
    const auto method = make_merge_method(options_of(rule.kind));
    REQUIRE(method->combines_rounds());
    method->combine(weighted, mean);
    CHECK(mean == combined(rule, discounted));
    // Too few change nothing.
    method->combine(std::span(weighted).first(2), mean);
    CHECK(mean == Weights(kSize, 0));
  }
  const auto clipped = make_merge_method(options_of(MergeKind::kClippedNorm));
  clipped->combine(weighted, mean);
  std::vector<double> norms;
  for (const Weights& change : changes) norms.push_back(euclidean_norm(change));
  for (std::size_t k = 0; k < 6; ++k) weighted[k].discount *= std::min(1.0, median_of(norms) / norms[k]);
  Weights expected(kSize);
  average_changes(weighted, expected);
  CHECK(mean == expected);
  for (const MergeKind kind : {MergeKind::kBySteps, MergeKind::kFedAsync}) {
    const auto method = make_merge_method(options_of(kind));
    CHECK_FALSE(method->combines_rounds());
    CHECK_THROWS_WITH(method->combine(weighted, mean), Contains("combines no rounds; give it with 'each'"));
  }
}

TEST_CASE("a rule goes on from its state, bit for bit, though sessions have other numbers") {
  for (const MergeKind kind : merge_kinds()) {
    if (kind == MergeKind::kAverage) continue;
    CAPTURE(merge_kind_name(kind));
    const auto run = [&](bool restarts) {
      Merger merger(options_of(kind));
      for (std::uint64_t i = 0; i < 40; ++i) {
        const std::uint64_t k = i * 5 % 7;
        if (i == 20 && restarts) {
          const Checkpoint state = state_of(*merger.method);
          merger.method = make_merge_method(options_of(kind));
          const StateReader reader(state, "state");
          merger.method->restore(reader);
          CHECK_NOTHROW(reader.check_all_floats_read());
          merger.present.clear();
          for (std::uint64_t session = 101; session <= 107; ++session) merger.present.push_back(session);
        }
        const std::uint64_t session = k + (i >= 20 && restarts ? 101 : 1);
        merger.merge("child_" + std::to_string(k), session, random_weights(100 + i),
                     {.staleness = i % 4, .steps = 50 + 10 * k});
      }
      return merger.weights;
    };
    CHECK(run(false) == run(true));
  }
}

TEST_CASE("restored votes of Children that do not come back are forgotten after a while") {
  Merger before(options_of(MergeKind::kMedian));
  for (std::uint64_t k = 0; k < 3; ++k) before.merge("old_" + std::to_string(k), k + 1, random_weights(k));
  const Checkpoint state = state_of(*before.method);
  Merger after(options_of(MergeKind::kMedian));
  after.method->restore(StateReader(state, "state"));
  after.update = before.update;
  for (int i = 0; i < 12; ++i) {
    const Weights start = after.weights;
    after.merge("new", 101, random_weights(60));
    CHECK(after.weights != start);
  }
  const Weights still = after.weights;
  after.merge("new", 101, random_weights(61));
  CHECK(after.weights == still);  // one vote is not enough
}

TEST_CASE("the state of another rule is dropped, and a damaged one is refused") {
  Merger merger(options_of(MergeKind::kMedian));
  for (std::uint64_t k = 0; k < 3; ++k) merger.merge("c" + std::to_string(k), k + 1, random_weights(k));
  Checkpoint state = state_of(*merger.method);
  for (const MergeKind kind : {MergeKind::kKrum, MergeKind::kBySteps, MergeKind::kFedAsync}) {
    const auto other = make_merge_method(options_of(kind));
    const StateReader reader(state, "state");
    other->restore(reader);
    CHECK_NOTHROW(reader.check_all_floats_read());
    CHECK(state_of(*other).weights.empty());
  }
  const StateReader dropped(state, "state");
  skip_merge_notes(dropped);
  CHECK_NOTHROW(dropped.check_all_floats_read());

  const auto refuses = [&](const Checkpoint& damaged) {
    const auto method = make_merge_method(options_of(MergeKind::kMedian));
    CHECK_THROWS_AS(method->restore(StateReader(damaged, "state")), FormatError);
  };
  Checkpoint damaged = state;
  damaged.weights[5] = std::numeric_limits<float>::quiet_NaN();
  refuses(damaged);
  for (auto& [name, value] : state.metadata) {
    if (value == "median") continue;
    CAPTURE(name);
    damaged = state;
    damaged.metadata[name] = "";
    refuses(damaged);
  }
}

TEST_CASE("a name with odd bytes does not spoil the state") {
  Merger merger(options_of(MergeKind::kBySteps));
  merger.merge("a\nb\xff", 1, random_weights(2));
  const Checkpoint state = state_of(*merger.method);
  const auto method = make_merge_method(options_of(MergeKind::kBySteps));
  CHECK_NOTHROW(method->restore(StateReader(state, "state")));
}
