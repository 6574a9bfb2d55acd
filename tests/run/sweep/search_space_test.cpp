#include <algorithm>
#include <cmath>
#include <set>

#include "genkidama/core/error.h"
#include "genkidama/run/sweep.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::run;

namespace {

std::vector<double> drawn(const SweepRange& range, std::size_t count, std::uint64_t seed = 3) {
  std::vector<double> values;
  for (const SweepPoint& point : sampled_points({{}}, {range}, count, seed)) {
    values.push_back(std::stod(point.front().value));
  }
  return values;
}

}  // namespace

TEST_CASE("ranges are drawn from as they say") {
  const auto uniform = drawn({"gamma", {}, 0.5, 0.75}, 400);
  REQUIRE(uniform.size() == 400);
  CHECK(*std::min_element(uniform.begin(), uniform.end()) >= 0.5);
  CHECK(*std::max_element(uniform.begin(), uniform.end()) <= 0.75);
  // About half below the middle; in the logarithm, about half below the geometric one.
  const auto below = [](const std::vector<double>& values, double middle) {
    return std::count_if(values.begin(), values.end(), [middle](double value) { return value < middle; });
  };
  CHECK(std::abs(below(uniform, 0.625) - 200) < 50);
  const auto logarithmic = drawn({"learning-rate", {}, 1e-5, 1e-1, true}, 400);
  CHECK(std::abs(below(logarithmic, 1e-3) - 200) < 50);
  const auto whole = drawn({"epochs", {}, -1, 2, false, true}, 4);
  CHECK(std::set<double>(whole.begin(), whole.end()) == std::set<double>{-1, 0, 1, 2});
  const SweepRange far{"batch", {}, 1, 1000, true, true};
  for (const double value : drawn(far, 200))
    CHECK((value == std::round(value) && value >= 1 && value <= 1000));
}

TEST_CASE("equal seeds draw equal settings, and more trials begin with those of fewer") {
  const std::vector<SweepRange> ranges = {{"gamma", {}, 0.9, 0.999}, {"optimizer", {"sgd", "adam"}}};
  const std::vector<SweepPoint> points = {{{"workers", "1"}}, {{"workers", "2"}}};
  const auto ten = sampled_points(points, ranges, 10, 7);
  auto twenty = sampled_points(points, ranges, 20, 7);
  CHECK(sampled_points(points, ranges, 10, 8) != ten);
  twenty.resize(10);
  CHECK(twenty == ten);
  CHECK(ten.front().size() == 3);
  CHECK(ten.front()[1].value.size() <= 8);  // six digits
}

TEST_CASE("no setting is drawn twice, and there may be no more") {
  CHECK(sampled_points({{}}, {{"optimizer", {"sgd", "adam", "rmsprop"}}}, 50, 1).size() == 3);
  std::vector<SweepPoint> grid;
  for (int i = 0; i < 9; ++i) grid.push_back({{"a", std::to_string(i)}});
  auto all = sampled_points(grid, {}, 20, 1);
  CHECK(all != grid);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a[0].value < b[0].value; });
  CHECK(all == grid);
  CHECK(sampled_points(grid, {}, 4, 1).size() == 4);
}

TEST_CASE("a range that is not possible is refused") {
  const auto draw = [](const SweepRange& range) { return sampled_points({{}}, {range}, 1, 1); };
  CHECK_THROWS_WITH(draw({"a", {}, 2, 1}),
                    "the range of 'a' is 2 to 1; expected two numbers, the lower one first");
  CHECK_THROWS_WITH(draw({"a", {}, 0, 1, true}), Catch::Contains("expected a beginning above 0"));
  CHECK_THROWS_WITH(draw({"a", {}, 0.5, 1, false, true}), Catch::Contains("expected whole numbers"));
  CHECK_THROWS_AS(draw({"a", {}, 0, INFINITY}), ArgumentError);
  CHECK_THROWS_AS(draw({"a", {}, NAN, 1}), ArgumentError);
  CHECK_THROWS_AS(sampled_points({}, {}, 1, 1), ArgumentError);
}
