#include "genkidama/params/optimizer_moments.h"

#include <limits>
#include <vector>

#include "genkidama/core/error.h"
#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

const MomentsShape kAdam{4, 2, 4};  // two weights: their means, then their means of squares

AveragedMoments averaged(const std::vector<WeightedMoments>& all, const MomentsShape& shape = kAdam) {
  AveragedMoments moments;
  moments.begin(shape);
  moments.average(all);
  return moments;
}

}  // namespace

TEST_CASE("moments are averaged by their weights, and their steps are the greatest") {
  const std::vector<float> a{1, -2, 0.5f, 0}, b{-3, 6, 1.5f, 1e-12f};
  const AveragedMoments moments = averaged({{a, 100, 1}, {b, 60, 3}});
  CHECK(moments.shape() == kAdam);
  CHECK(moments.mean().steps == 100);
  CHECK(moments.mean().values[0] == -2);
  CHECK(moments.mean().values[1] == 4);
  CHECK(moments.mean().values[2] == 1.25f);
  CHECK(moments.mean().values[3] == Approx(0.75e-12));
  CHECK(moments_fault(kAdam, moments.mean().values).empty());
}

TEST_CASE("moments without steps count nothing, and weights of 0 count as 1") {
  const std::vector<float> a{1, 1, 1, 1}, b{3, 3, 3, 3}, none(4);
  CHECK(averaged({{none, 0, 100}, {a, 7, 1}}).mean() == OptimizerMoments{7, a});
  CHECK(averaged({{a, 7, 0}, {b, 9, 0}}).mean() == OptimizerMoments{9, {2, 2, 2, 2}});
  // A round of nothing leaves them as they are.
  AveragedMoments moments = averaged({{a, 7, 1}});
  moments.average({});
  moments.average(std::vector<WeightedMoments>{{b, 0, 1}});
  CHECK(moments.mean() == OptimizerMoments{7, a});
}

TEST_CASE("values that are no moments are told apart") {
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              infinity = std::numeric_limits<float>::infinity();
  const auto fault = [](std::vector<float> values) { return moments_fault(kAdam, values); };
  CHECK(fault({-1, -2, 0, 3}).empty());
  CHECK(fault({1, 2, -0.0f, 3}).empty());
  CHECK_THAT(fault({1, 2, 3}), Contains("3 moments") && Contains("expected 4"));
  CHECK_THAT(fault({1, nan, 3, 4}), Contains("moment 1") && Contains("diverged"));
  CHECK_THAT(fault({1, 2, 3, infinity}), Contains("moment 3") && Contains("diverged"));
  CHECK_THAT(fault({1, 2, 3, -1e-30f}),
             Contains("moment 3") && Contains("mean of squares") && Contains("-1e-30"));
}

TEST_CASE("impossible shapes, sizes and weights are refused, and nothing has changed then") {
  AveragedMoments moments = averaged({{std::vector<float>{1, 2, 3, 4}, 5, 1}});
  const OptimizerMoments before = moments.mean();
  for (const MomentsShape& shape : {MomentsShape{4, 2, 5}, MomentsShape{4, 3, 2}}) {
    CHECK_THROWS_AS(moments.begin(shape), ArgumentError);
  }
  const std::vector<float> other(3), same(4);
  CHECK_THROWS_AS(moments.average(std::vector<WeightedMoments>{{other, 1, 1}}), ArgumentError);
  CHECK_THROWS_AS(moments.average(std::vector<WeightedMoments>{{same, 1, -1}}), ArgumentError);
  CHECK(moments.mean() == before);
  moments.begin({2, 0, 2});
  CHECK(moments.mean() == OptimizerMoments{0, {0, 0}});
}

TEST_CASE("averaged moments outlive the process bit for bit") {
  AveragedMoments moments = averaged({{std::vector<float>{1e-30f, 2, 3.3f, 0}, 5, 1}});
  StateWriter writer;
  moments.save(writer);
  const Checkpoint state = writer.take();
  AveragedMoments restored;
  restored.restore(StateReader(state, "file"));
  CHECK(restored.shape() == kAdam);
  CHECK(restored.mean() == moments.mean());
  // A state without any, such as one of a Parent that averages none.
  StateWriter empty;
  AveragedMoments().save(empty);
  const Checkpoint nothing = empty.take();
  restored.restore(StateReader(nothing, "file"));
  CHECK(restored.shape() == MomentsShape{});
  CHECK(restored.mean().steps == 0);
}

TEST_CASE("damaged fields of averaged moments are refused") {
  const auto refused = [](std::uint64_t steps, std::vector<std::uint64_t> squares, std::vector<float> values,
                          const char* text) {
    StateWriter writer;
    writer.u64("averaged_moments_steps", steps);
    writer.u64s("averaged_moments_squares", squares);
    writer.floats("averaged_moments", values);
    const Checkpoint state = writer.take();
    AveragedMoments moments;
    CHECK_THROWS_AS(moments.restore(StateReader(state, "file")), FormatError);
    CHECK_THROWS_WITH(moments.restore(StateReader(state, "file")), Contains("file: ") && Contains(text));
    CHECK(moments.mean().steps == 0);
  };
  refused(5, {2, 5}, {1, 2, 3, 4}, "belong together");
  refused(5, {2}, {1, 2, 3, 4}, "belong together");
  refused(5, {}, {1, 2, 3, 4}, "belong together");
  refused(0, {2, 4}, {1, 2, 3, 4}, "belong together");
  refused(5, {2, 4}, {1, 2, 3, -4}, "mean of squares");
  refused(5, {2, 4}, {1, 2, 3, std::numeric_limits<float>::quiet_NaN()}, "not a finite number");
}
