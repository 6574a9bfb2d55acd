#include "sim/pipe.h"

#include <vector>

#include "sim/event_queue.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::sim;

namespace {

double seconds_after(Clock::time_point at) {
  return seconds_of(at - kBeginning);
}

}  // namespace

TEST_CASE(
    "events are taken in the order of their times, and those at one time in the order of their planning") {
  EventQueue<int> queue;
  const auto at = [](int ms) { return kBeginning + Milliseconds(ms); };
  queue.plan(at(20), 1);
  queue.plan(at(10), 2);
  for (int i = 3; i < 40; ++i) queue.plan(at(10), i);
  queue.plan(at(0), 40);
  REQUIRE(queue.take() == 40);
  REQUIRE(queue.take() == 2);
  for (int i = 3; i < 40; ++i) REQUIRE(queue.take() == i);
  REQUIRE(queue.now() == at(10));
  queue.plan(at(5), 41);  // that has passed
  REQUIRE(queue.take() == 41);
  REQUIRE(queue.now() == at(10));
  REQUIRE(queue.take() == 1);
  REQUIRE(queue.is_empty());
  REQUIRE(queue.taken() == 41);
}

TEST_CASE("a pipe takes one transfer after the other, and lets bytes through while they still come") {
  Pipe pipe(8e6);  // a megabyte a second
  const auto begin = kBeginning;
  const Passage first = pipe.pass({begin, begin}, 100'000);
  CHECK(seconds_after(first.last) == Approx(0.1));
  const Passage second = pipe.pass({begin, begin}, 100'000);
  CHECK(seconds_after(second.first) == Approx(0.1));
  CHECK(seconds_after(second.last) == Approx(0.2));
  // What comes in slower than the pipe is goes out as it comes.
  const Passage slow = pipe.pass({begin + Milliseconds(300), begin + Milliseconds(900)}, 100'000);
  CHECK(seconds_after(slow.last) == Approx(0.9));
  Pipe unlimited(0);
  CHECK(unlimited.pass({begin, begin}, 1 << 30).last == begin);
}

TEST_CASE("a message has the headers of its packets and of its frame") {
  CHECK(packets_of(1) == 1);
  CHECK(packets_of(1448) == 1);
  CHECK(packets_of(1449) == 2);
  CHECK(bytes_on_wire(1000) == 1000 + 14 + 52);
  CHECK(bytes_on_wire(11'876) == 11'876 + 14 + 9 * 52);
}

TEST_CASE("a transfer waits for round trips while its window opens, unless the link is the slower") {
  Random random(1);
  LinkModel link;
  link.latency_seconds = 0.1;
  CHECK(seconds_of(delay_of(link, 10 * kPacketBytes, random)) == Approx(0.1));
  // 10 packets, then 20, then the rest: two round trips.
  CHECK(seconds_of(delay_of(link, 31 * kPacketBytes, random)) == Approx(0.1 + 2 * 0.2));
  // 15,000 bytes fill more than a round trip.
  link.bits_per_second = 100'000;
  CHECK(seconds_of(delay_of(link, 31 * kPacketBytes, random)) == Approx(0.1));
}

TEST_CASE("lost packets cost round trips or a timeout, and the same seed loses the same") {
  LinkModel link;
  link.latency_seconds = 0.01;
  const auto total = [&](double loss, std::uint64_t seed, std::size_t packets) {
    link.loss = loss;
    Random random(seed);
    double sum = 0;
    for (int i = 0; i < 400; ++i) sum += seconds_of(delay_of(link, packets * kPacketBytes, random));
    return sum / 400;
  };
  CHECK(total(0, 1, 10) == Approx(0.01));
  CHECK(total(0.1, 1, 10) == total(0.1, 1, 10));
  CHECK(total(0.1, 1, 10) != total(0.1, 2, 10));
  // A single packet that is lost has nobody behind it: 200 ms with probability 0.1, 600 with 0.01, ...
  CHECK(total(0.1, 3, 1) == Approx(0.01 + 0.1 * 0.2 + 0.01 * 0.4 + 0.001 * 0.8).epsilon(0.35));
  CHECK(total(0.01, 3, 10) < total(0.2, 3, 10));
}
