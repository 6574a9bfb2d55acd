// What is told about a Child's share in the Parent's weights.
#include "net/parent/influence.h"

#include <cmath>
#include <vector>

#include "genkidama/core/random.h"
#include "net/fixture.h"
#include "net/parent/parent_state.h"
#include "support/catch.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

using Weights = std::vector<float>;

Weights normal_weights(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  Weights values(count);
  for (float& value : values) value = static_cast<float>(random.normal());
  return values;
}

double product(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

double cosine(std::span<const float> a, std::span<const float> b) {
  return product(a, b) / std::sqrt(product(a, a) * product(b, b));
}

double cosine(const ChangeSketch& a, const ChangeSketch& b) {
  InfluenceMeter meter;
  meter.add(1, a);
  return meter.agreement(2, b).value();
}

Weights sum_of(const Weights& a, const Weights& b, float scale) {
  Weights sum = a;
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += scale * b[i];
  return sum;
}

}  // namespace

TEST_CASE("a sketch of a short change keeps its norm and its angles", "[influence]") {
  for (const std::size_t count : {1U, 15U, 16U, 17U, 1000U, 1024U}) {
    CAPTURE(count);
    const Weights a = normal_weights(count, 1), b = sum_of(a, normal_weights(count, 2), 0.7F);
    CHECK(ChangeSketch(a).norm() == Approx(std::sqrt(product(a, a))));
    CHECK(cosine(ChangeSketch(a), ChangeSketch(b)) == Approx(cosine(a, b)));
    CHECK(ChangeSketch(a, b).norm() == Approx(distance(a, b)));
  }
}

TEST_CASE("a sketch of a long change keeps its norm, and its angles but for a little", "[influence]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    const Weights a = normal_weights(70'001, seed);
    for (const float noise : {0.3F, 1.0F, 10.0F}) {
      const Weights b = sum_of(a, normal_weights(70'001, 100 + seed), noise);
      CHECK(ChangeSketch(b).norm() == Approx(std::sqrt(product(b, b))));
      // Four of its standard deviations.
      CHECK(cosine(ChangeSketch(a), ChangeSketch(b)) == Approx(cosine(a, b)).margin(4.0 / 32));
    }
    CHECK(cosine(ChangeSketch(a), ChangeSketch(sum_of(Weights(a.size()), a, -2))) == Approx(-1));
  }
}

TEST_CASE("a Child's agreement is with the recent directions of the others", "[influence]") {
  const ChangeSketch right(Weights{3, 0}), up(Weights{0, 5}), left(Weights{-1, 0}), none(Weights{0, 0});
  InfluenceMeter meter;
  CHECK_FALSE(meter.agreement(1, right));
  meter.add(1, right);
  CHECK_FALSE(meter.agreement(1, right));  // there are no others
  CHECK(meter.agreement(2, left) == Approx(-1));
  CHECK_FALSE(meter.agreement(2, none));
  meter.add(2, up);
  // A long change is a direction as any other.
  CHECK(meter.agreement(3, right) == Approx(std::sqrt(0.5)));
  CHECK(meter.agreement(1, right) == Approx(0).margin(1e-12));
  // Of its own earlier changes, the last count most.
  for (int i = 0; i < 40; ++i) meter.add(1, left);
  CHECK(meter.agreement(2, left).value() > 0.99);
  meter.forget(1);
  meter.forget(9);
  CHECK_FALSE(meter.agreement(2, up));
  CHECK(meter.agreement(1, up) == Approx(1));
}

TEST_CASE("a merge tells its movement and agreement", "[influence]") {
  const ParameterLayout layout = small_layout();
  ParentOptions options;
  options.alpha = 0.25;
  ParentState state(options, layout, Weights(16, 0));
  for (const std::uint64_t session : {1U, 2U}) {
    ChildStatus status;
    status.name = "child_" + std::to_string(session);
    status.session = session;
    state.joined(status, 0, false);
  }
  Weights east(16, 0), west(16, 0);
  east[0] = 4;
  const MergeReport first = state.merge(child_frame(1, 1), east);
  CHECK(first.movement == Approx(1));
  CHECK_FALSE(first.agreement);
  west[0] = -3;
  const MergeReport second = state.merge(child_frame(2, 1), west);
  CHECK(second.movement == Approx(1));
  CHECK(second.agreement == Approx(-1));
  state.left(2, true);
  CHECK_FALSE(state.merge(child_frame(1, 2), east).agreement);
}

TEST_CASE("a round tells each contribution's part, and how much it agrees", "[influence]") {
  const ParameterLayout layout = small_layout();
  ParentOptions options;
  options.exchange = ExchangeKind::kRounds;
  ParentState state(options, layout, Weights(16, 0));
  const std::vector<std::pair<float, std::uint64_t>> given = {{2.0F, 100}, {4.0F, 200}, {-6.0F, 100}};
  for (std::uint64_t session = 1; session <= 3; ++session) {
    ChildStatus status;
    status.name = "child_" + std::to_string(session);
    status.session = session;
    state.joined(status, 0, false);
  }
  for (std::uint64_t session = 1; session <= 3; ++session) {
    Weights change(16, 0);
    change[5] = given[session - 1].first;
    state.contribute(frame_header(FrameType::kChildChange, session, 1), given[session - 1].second, change);
  }
  REQUIRE(state.is_round_over());
  const RoundMergeReport report = state.merge_round();
  REQUIRE(report.contributions.size() == 3);
  CHECK(report.movement == Approx((2 * 1 + 4 * 2 - 6) / 4.0));
  CHECK(report.contributions[0].movement == Approx(0.5));
  CHECK(report.contributions[1].movement == Approx(2));
  CHECK(report.contributions[2].movement == Approx(1.5));
  CHECK_FALSE(report.contributions[0].agreement);  // the others cancel out
  CHECK(report.contributions[2].agreement == Approx(-1));
}
