// When a round is over that Children make together, with made-up times.
#include "net/parent/open_round.h"

#include <cmath>

#include "genkidama/core/error.h"
#include "support/catch.h"

using namespace genkidama;
using S = std::chrono::seconds;
using Ms = Milliseconds;
using Catch::Contains;

namespace {

const Clock::time_point kStart = Clock::now();

Clock::time_point at(Clock::duration span) {
  return kStart + span;
}

/// Children 1 to `count`, all joined at the start.
OpenRound round_of(std::uint64_t count, const RoundOptions& options = {}) {
  OpenRound round(options);
  for (std::uint64_t child = 1; child <= count; ++child) round.joined(child, kStart);
  return round;
}

RoundOptions with_deadline(Milliseconds deadline) {
  RoundOptions options;
  options.deadline = deadline;
  return options;
}

}  // namespace

TEST_CASE("a round is over when all have contributed, and not before", "[round]") {
  OpenRound round = round_of(3);
  CHECK_FALSE(round.is_over(at(S(1'000'000))));
  CHECK_FALSE(round.deadline());
  round.contributed(2, true, at(S(10)));
  round.contributed(1, true, at(S(11)));
  CHECK(round.has(1));
  CHECK_FALSE(round.has(3));
  CHECK_FALSE(round.is_over(at(S(11))));
  round.contributed(3, true, at(S(12)));
  CHECK(round.is_over(at(S(12))));
  CHECK(round.waited(at(S(12))) == S(2));
  round.close(at(S(12)));
  CHECK(round.contributions() == 0);
  CHECK_FALSE(round.is_over(at(S(1'000'000))));
  CHECK_FALSE(round.deadline());
}

TEST_CASE("a Child alone closes each round by itself", "[round]") {
  OpenRound round = round_of(1);
  round.contributed(1, true, at(S(5)));
  CHECK(round.is_over(at(S(5))));
}

TEST_CASE("a quorum closes the round, whoever makes it", "[round]") {
  RoundOptions share;
  share.quorum_share = 0.75;
  RoundOptions number;
  number.quorum_count = 3;
  for (const RoundOptions& options : {share, number}) {
    OpenRound round = round_of(4, options);
    round.contributed(4, true, at(S(10)));
    round.contributed(1, true, at(S(10)));
    CHECK_FALSE(round.is_over(at(S(10))));
    round.contributed(2, false, at(S(10)));
    CHECK(round.is_over(at(S(10))));
  }
  // Of fewer Children it is no more than there are.
  OpenRound two = round_of(2, number);
  two.contributed(1, true, at(S(1)));
  CHECK_FALSE(two.is_over(at(S(1))));
  two.contributed(2, true, at(S(1)));
  CHECK(two.is_over(at(S(1))));
  // Shares are rounded up, but not because of their last binary digit.
  RoundOptions seven;
  seven.quorum_share = 0.7;
  OpenRound ten = round_of(10, seven);
  for (std::uint64_t child = 1; child <= 6; ++child) ten.contributed(child, true, at(S(1)));
  CHECK_FALSE(ten.is_over(at(S(1))));
  ten.contributed(7, true, at(S(1)));
  CHECK(ten.is_over(at(S(1))));
}

TEST_CASE("a fixed deadline counts from the first contribution", "[round]") {
  OpenRound round = round_of(2, with_deadline(S(3)));
  round.contributed(1, true, at(S(100)));
  CHECK(round.deadline() == at(S(103)));
  CHECK_FALSE(round.is_over(at(S(103) - Ms(1))));
  CHECK(round.is_over(at(S(103))));
}

TEST_CASE("without a deadline the others have as long again as the first one took", "[round]") {
  OpenRound round = round_of(2);
  round.contributed(1, true, at(S(40)));
  CHECK(round.deadline() == at(S(80)));
  OpenRound quick = round_of(2);
  quick.contributed(1, true, at(Ms(30)));
  CHECK(quick.deadline() == at(Ms(30) + OpenRound::kShortestWait));
  OpenRound slow = round_of(2);
  slow.contributed(1, true, at(S(4'000)));
  CHECK(slow.deadline() == at(S(4'000) + OpenRound::kLongestWait));
}

TEST_CASE("the length of a round counts from when its Children were there", "[round]") {
  // The first Child comes a day after the start of the Parent.
  OpenRound round{RoundOptions()};
  round.joined(1, at(S(86'400)));
  round.joined(2, at(S(86'401)));
  round.contributed(1, true, at(S(86'410)));
  CHECK(round.deadline() == at(S(86'420)));
}

TEST_CASE("a Child that goes silent costs the others one deadline and no more", "[round]") {
  OpenRound round = round_of(3);
  round.contributed(1, true, at(S(10)));
  round.contributed(2, true, at(S(10)));
  CHECK_FALSE(round.is_over(at(S(20) - Ms(1))));
  CHECK(round.is_over(at(S(20))));
  round.close(at(S(20)));
  for (int later = 1; later <= 3; ++later) {
    const auto now = at(S(20 + 10 * later));
    round.contributed(1, true, now);
    round.contributed(2, true, now);
    CHECK(round.is_over(now));
    round.close(now);
  }
  // It wakes up; what it brings is late, and closes nothing.
  round.contributed(3, false, at(S(52)));
  CHECK_FALSE(round.is_over(at(S(52))));
  round.contributed(1, true, at(S(60)));
  round.contributed(2, true, at(S(60)));
  CHECK(round.is_over(at(S(60))));
  round.close(at(S(60)));
  // Its last round was very long, so it is not waited for yet; with one of the usual length it is again.
  round.contributed(1, true, at(S(70)));
  round.contributed(2, true, at(S(70)));
  CHECK(round.is_over(at(S(70))));
  round.close(at(S(70)));
  round.contributed(3, false, at(S(71)));
  round.contributed(1, true, at(S(80)));
  round.contributed(2, true, at(S(80)));
  CHECK(round.is_over(at(S(80))));
  round.close(at(S(80)));
  round.contributed(1, true, at(S(90)));
  round.contributed(2, true, at(S(90)));
  CHECK_FALSE(round.is_over(at(S(90))));
  round.contributed(3, true, at(S(91)));
  CHECK(round.is_over(at(S(91))));
}

TEST_CASE("a Child ten times slower is waited for once", "[round]") {
  OpenRound round = round_of(4);
  auto now = kStart;
  S waited{0};
  S slow_began{0};
  for (int made = 0; made < 60; ++made) {
    const auto begun = std::chrono::duration_cast<S>(now - kStart);
    for (S step{1};; step += S(1)) {
      now = at(begun + step);
      if (now - at(slow_began) >= S(100) && !round.has(4)) round.contributed(4, false, now);
      if (step == S(10)) {
        for (const std::uint64_t child : {1, 2, 3}) round.contributed(child, true, now);
      }
      if (!round.is_over(now)) continue;
      CHECK(step >= S(10));
      waited += step - S(10);
      if (round.has(4)) slow_began = std::chrono::duration_cast<S>(now - kStart);
      round.close(now);
      break;
    }
  }
  CHECK(waited == S(10));
}

TEST_CASE("a connection that closes costs nothing", "[round]") {
  OpenRound round = round_of(3);
  round.contributed(1, true, at(S(10)));
  round.contributed(2, true, at(S(10)));
  CHECK_FALSE(round.is_over(at(S(11))));
  round.left(3);
  CHECK(round.is_over(at(S(11))));
  // What a Child has contributed goes with it.
  round.left(1);
  CHECK(round.contributions() == 1);
  CHECK_FALSE(round.has(1));
  round.left(2);
  CHECK_FALSE(round.is_over(at(S(1'000))));
  CHECK_FALSE(round.deadline());
  round.left(7);
  CHECK(round.contributions() == 0);
}

TEST_CASE("a Child that joins while others wait is not waited for in this round", "[round]") {
  OpenRound round = round_of(2);
  round.contributed(1, true, at(S(10)));
  round.joined(3, at(S(11)));
  round.contributed(2, true, at(S(12)));
  CHECK(round.is_over(at(S(12))));
  round.close(at(S(12)));
  round.contributed(1, true, at(S(22)));
  round.contributed(2, true, at(S(22)));
  CHECK_FALSE(round.is_over(at(S(22))));
  round.contributed(3, false, at(S(22)));
  CHECK(round.is_over(at(S(22))));
}

TEST_CASE("a late contribution that comes first gives the others their usual time", "[round]") {
  for (const Ms deadline : {Ms(0), Ms(5'000)}) {
    OpenRound round = round_of(3, with_deadline(deadline));
    for (const std::uint64_t child : {1, 2, 3}) round.contributed(child, true, at(S(40)));
    round.close(at(S(40)));
    round.contributed(1, false, at(S(41)));
    const S wait = deadline > Ms(0) ? S(5) : S(40);
    CHECK(round.deadline() == at(S(80) + wait));
    // From the first fresh one on that one counts.
    round.contributed(2, true, at(S(70)));
    CHECK(round.deadline() == at(S(70) + (deadline > Ms(0) ? S(5) : S(30))));
  }
}

TEST_CASE("no wait is longer than what Children are told", "[round]") {
  for (const Ms deadline : {Ms(0), Ms(5'000), kLongestDeadline}) {
    const RoundOptions options = with_deadline(deadline);
    const Ms most = OpenRound::longest_wait(options);
    CHECK(most <= kLongestRoundWait);
    OpenRound round = round_of(3, options);
    for (const std::uint64_t child : {1, 2, 3}) round.contributed(child, true, at(S(100'000)));
    round.close(at(S(100'000)));
    const auto first = at(S(100'001));
    round.contributed(1, false, first);
    REQUIRE(round.deadline());
    const auto fresh = *round.deadline() - Ms(1);
    round.contributed(2, true, fresh);
    CHECK(*round.deadline() - first <= most);
  }
}

TEST_CASE("the first round waits for the Children that start together", "[round]") {
  RoundOptions options;
  options.first_children = 3;
  OpenRound round(options);
  round.joined(1, at(S(0)));
  round.contributed(1, true, at(S(10)));
  CHECK_FALSE(round.is_over(at(S(10))));
  round.joined(2, at(S(11)));
  round.joined(3, at(S(12)));
  // All are there now, and these two are waited for.
  CHECK_FALSE(round.is_over(at(S(12))));
  round.contributed(2, true, at(S(15)));
  CHECK_FALSE(round.is_over(at(S(15))));
  round.contributed(3, true, at(S(16)));
  CHECK(round.is_over(at(S(16))));
  // With fewer only the deadline closes it, and later rounds need nobody else.
  OpenRound fewer(options);
  fewer.joined(1, at(S(0)));
  fewer.contributed(1, true, at(S(10)));
  CHECK_FALSE(fewer.is_over(at(S(20) - Ms(1))));
  CHECK(fewer.is_over(at(S(20))));
  fewer.close(at(S(20)));
  fewer.contributed(1, true, at(S(30)));
  CHECK(fewer.is_over(at(S(30))));
}

TEST_CASE("options of a round out of range are refused by name", "[round]") {
  const auto refused = [](const RoundOptions& options, const char* name) {
    CHECK_THROWS_AS(check_round_options(options), ArgumentError);
    CHECK_THROWS_WITH(check_round_options(options), Contains(name));
  };
  for (const double share : {0.0, -1.0, 1.01, std::nan("")}) {
    RoundOptions options;
    options.quorum_share = share;
    refused(options, "quorum_share");
  }
  refused(with_deadline(Ms(-1)), "deadline");
  refused(with_deadline(kLongestDeadline + Ms(1)), "deadline");
  CHECK_NOTHROW(check_round_options(with_deadline(kLongestDeadline)));
}
