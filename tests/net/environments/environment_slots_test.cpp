#include "net/environments/environment_slots.h"

#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/core/random.h"
#include "support/catch.h"
#include "support/child_process.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

const EnvironmentSizes kSizes{2, 3, 1, 0};

/// What a sound request is answered with follows from it alone.
float expected_answer(const EnvironmentSlots::Request& request, const std::vector<float>& action) {
  return request.is_reset ? static_cast<float>(request.seed % 65'536) : action[0] + action[1] + action[2];
}

/// Answers whatever is asked. False when a request was torn.
bool serve(EnvironmentSlots& slots, std::vector<std::size_t>& asked) {
  std::vector<float> action;
  slots.collect(asked);
  for (const std::size_t slot : asked) {
    const auto request = slots.request(slot, action);
    if (!request) continue;
    if (!request->is_reset && (action[0] != action[1] || action[1] != action[2])) return false;
    const float value = expected_answer(*request, action);
    const std::vector<float> observation = {value, static_cast<float>(request->ticket % 4'096)};
    const std::vector<std::uint8_t> mask = {1};
    EnvironmentAnswer answer;
    answer.is_reset = request->is_reset;
    answer.observation = observation;
    answer.mask = mask;
    slots.answer(slot, request->ticket, answer);
  }
  return true;
}

/// A worker that asks `count` times, or for ever, and checks each answer; its exit code.
int work(EnvironmentSlots& slots, std::size_t slot, int count) {
  std::vector<float> observation(2), metrics;
  std::vector<std::uint8_t> mask(1);
  for (int i = 0; count == 0 || i < count; ++i) {
    const auto number = static_cast<float>(i % 1'000);
    const std::vector<float> action = {number, number, number};
    const bool is_reset = i % 7 == 0;
    const std::uint64_t ticket =
        is_reset ? slots.ask_reset(slot, static_cast<std::uint64_t>(i)) : slots.ask_step(slot, action);
    if (!slots.wait(slot, ticket, [] { return true; })) return 2;
    slots.read_answer(slot, observation, metrics, mask);
    const float value = is_reset ? static_cast<float>(i % 65'536) : 3 * number;
    if (observation[0] != value || observation[1] != static_cast<float>(ticket % 4'096)) return 3;
  }
  return 0;
}

}  // namespace

TEST_CASE("a slot holds one request, and a newer one takes its place", "[environments]") {
  EnvironmentSlots slots(70, kSizes);
  std::vector<std::size_t> asked;
  std::vector<float> action;
  slots.collect(asked);
  CHECK(asked.empty());
  CHECK_FALSE(slots.request(69, action));
  const auto first = slots.ask_reset(69, 5);
  const auto second = slots.ask_step(69, std::vector<float>{1, 2, 3});
  slots.ask_reset(3, 7);
  slots.collect(asked);
  CHECK(asked == std::vector<std::size_t>{3, 69});
  const auto request = slots.request(69, action);
  REQUIRE(request);
  CHECK(request->ticket == second);
  CHECK_FALSE(request->is_reset);
  CHECK(action == std::vector<float>{1, 2, 3});
  // An answer to the first one is nobody's any more.
  EnvironmentAnswer answer;
  answer.lost = true;
  slots.answer(69, first, answer);
  CHECK_FALSE(slots.is_answered(69, first));
  CHECK_FALSE(slots.is_answered(69, second));
  slots.answer(69, second, answer);
  CHECK(slots.is_answered(69, second));
  CHECK_FALSE(slots.request(69, action));
}

TEST_CASE("whoever waits goes when there is an answer, when told so, and when nobody serves any more",
          "[environments]") {
  EnvironmentSlots slots(2, kSizes);
  std::vector<std::size_t> asked;
  const auto ticket = slots.ask_reset(0, 1);
  int looks = 0;
  CHECK_FALSE(slots.wait(0, ticket, [&looks] { return ++looks < 3; }));
  CHECK(looks == 3);
  REQUIRE(serve(slots, asked));
  CHECK(slots.wait(0, ticket, {}));
  const auto next = slots.ask_reset(0, 2);
  std::thread closer([&slots] { slots.close(); });
  CHECK_FALSE(slots.wait(0, next, {}));
  closer.join();
}

TEST_CASE("the bell rings only for one who sleeps", "[environments]") {
  EnvironmentSlots slots(1, kSizes);
  std::uint64_t rung = 0;
  slots.ask_reset(0, 1);
  CHECK(::read(slots.bell(), &rung, sizeof rung) < 0);
  CHECK_FALSE(slots.sleep());
  std::vector<std::size_t> asked;
  slots.collect(asked);
  CHECK(slots.sleep());
  slots.ask_reset(0, 2);
  CHECK(::read(slots.bell(), &rung, sizeof rung) == sizeof rung);
  slots.calm();
}

TEST_CASE("a worker that is killed anywhere leaves nothing that its replacement takes for its own",
          "[environments][forks]") {
  EnvironmentSlots slots(1, kSizes);
  std::vector<std::size_t> asked;
  Random random(5);
  bool whole = true;
  for (int i = 0; i < 300 && whole; ++i) {
    ChildProcess worker([&slots] { return work(slots, 0, 0); });
    const auto end = Clock::now() + std::chrono::microseconds(random.below(3'000));
    while (Clock::now() < end) whole = whole && serve(slots, asked);
    worker.kill(SIGKILL);
    CHECK(worker.wait() == "signal 9");
  }
  CHECK(whole);
  ChildProcess last([&slots] { return work(slots, 0, 2'000); });
  while (!last.ended() && whole) whole = serve(slots, asked);
  CHECK(whole);
  CHECK(last.wait() == "exit 0");
}
