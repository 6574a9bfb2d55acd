// What a Child's rounds so far say about the next one.
#include "net/round_time_estimate.h"

#include "support/catch.h"

using namespace genkidama;
using S = std::chrono::seconds;
using Ms = Milliseconds;

namespace {

RoundTimeEstimate pace_of(std::initializer_list<int> seconds) {
  RoundTimeEstimate pace;
  for (const int span : seconds) pace.add(S(span));
  return pace;
}

}  // namespace

TEST_CASE("a pace without enough spans makes nothing late", "[pace]") {
  RoundTimeEstimate pace;
  CHECK_FALSE(pace.median());
  for (std::size_t i = 1; i < RoundTimeEstimate::kFewest; ++i) {
    pace.add(S(1));
    CHECK(pace.median() == S(1));
    CHECK_FALSE(pace.allowance());
    CHECK(pace.allowance(S(30)) == S(30));
  }
  pace.add(S(1));
  CHECK(pace.allowance() == S(2));
}

TEST_CASE("the allowance is the median and a multiple of the deviations, twice the median at least",
          "[pace]") {
  CHECK(pace_of({12, 12, 12, 12, 12}).allowance() == S(24));
  // Median 12; deviations 0 1 2 2 3, their median 2.
  const RoundTimeEstimate pace = pace_of({10, 11, 12, 14, 15});
  CHECK(pace.median() == S(12));
  CHECK(pace.allowance() == S(12 + RoundTimeEstimate::kDeviations * 2));
  CHECK(pace.allowance(S(5)) == S(28));
  CHECK(pace.allowance(S(30)) == S(30));
  // One span out of the order moves little.
  CHECK(pace_of({12, 12, 12, 12, 12, 100'000}).allowance() == S(24));
}

TEST_CASE("a pace follows a change within its spans, and survives impossible ones", "[pace]") {
  RoundTimeEstimate pace;
  for (std::size_t i = 0; i < RoundTimeEstimate::kSpans; ++i) pace.add(S(1));
  for (std::size_t i = 0; i < RoundTimeEstimate::kSpans / 2; ++i) pace.add(S(60));
  CHECK(pace.median() == S(60));
  for (std::size_t i = 0; i < RoundTimeEstimate::kSpans; ++i) pace.add(S(60));
  CHECK(pace.allowance() == S(120));
  CHECK(pace.spans() == RoundTimeEstimate::kSpans);
  CHECK(pace_of({-1, -1, -1, -1}).median() == S(0));
}
