#include "ipc/inference_slots.h"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <vector>

#include "genkidama/ipc/shared_array.h"
#include "support/catch.h"
#include "support/child_process.h"
#include "support/patience.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

const InferenceSlots::Shape kShape{.rows = 3, .observation = 2, .state = 1, .outputs = 2};

Deadline bounded() {
  return Deadline::after(patient_seconds(20));
}

std::vector<std::size_t> taken(InferenceSlots& slots, int predictor, std::size_t most = SIZE_MAX) {
  std::vector<std::size_t> result;
  slots.take(predictor, 0, most, result);
  std::sort(result.begin(), result.end());
  return result;
}

/// Outputs are the observation times 2 and 3, and the state counts up.
void compute(InferenceSlots& slots, std::size_t slot) {
  const std::size_t rows = slots.rows(slot);
  for (std::size_t row = 0; row < rows; ++row) {
    slots.outputs(slot, rows)[2 * row] = 2 * slots.observations(slot, rows)[2 * row];
    slots.outputs(slot, rows)[2 * row + 1] = 3 * slots.observations(slot, rows)[2 * row + 1];
    slots.next_states(slot, rows)[row] = slots.states(slot, rows)[row] + 1;
  }
}

/// Predicts until it is told to end.
int predict(InferenceSlots& slots, int number, const std::atomic<bool>& over) {
  slots.begin(number);
  std::vector<std::size_t> mine;
  while (!over.load()) {
    mine.clear();
    if (slots.take(number, 0, 5, mine) == 0) {
      slots.wait_for_requests(number, Clock::now() + Milliseconds{5});
      continue;
    }
    for (const std::size_t slot : mine) {
      compute(slots, slot);
      slots.answer(number, slot);
    }
  }
  return 0;
}

/// Whether a worker gets the right answers to so many requests of 1 to 3 rows.
bool ask(InferenceSlots& slots, std::size_t slot, int requests) {
  for (int i = 0; i < requests; ++i) {
    const std::size_t rows = 1 + static_cast<std::size_t>(i) % 3;
    const auto first = static_cast<float>(i + 1000 * static_cast<int>(slot));
    std::iota(slots.observations(slot, rows).begin(), slots.observations(slot, rows).end(), first);
    std::fill(slots.states(slot, rows).begin(), slots.states(slot, rows).end(), first);
    slots.ask(slot, rows);
    const Deadline end = bounded();
    while (!slots.is_answered(slot) && !end.passed()) slots.wait_for_answer(slot, end);
    if (!slots.is_answered(slot)) return false;
    for (std::size_t row = 0; row < rows; ++row) {
      const float at = first + static_cast<float>(2 * row);
      if (slots.outputs(slot, rows)[2 * row] != 2 * at) return false;
      if (slots.outputs(slot, rows)[2 * row + 1] != 3 * (at + 1)) return false;
      if (slots.next_states(slot, rows)[row] != first + 1) return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE("a slot goes to one predictor and comes back with what it computed") {
  InferenceSlots slots(70, kShape, 2);
  CHECK(taken(slots, 0).empty());
  CHECK_FALSE(slots.is_answered(69));
  slots.observations(69, 1)[0] = 4;
  slots.ask(69, 1);
  slots.ask(2, 3);
  CHECK_FALSE(slots.is_answered(69));
  CHECK(taken(slots, 1) == std::vector<std::size_t>{2, 69});
  CHECK(taken(slots, 0).empty());
  CHECK(slots.rows(2) == 3);
  compute(slots, 69);
  // What another one has taken is not this one's to give back.
  slots.answer(0, 69);
  CHECK_FALSE(slots.is_answered(69));
  slots.answer(1, 69);
  CHECK(slots.is_answered(69));
  CHECK(slots.outputs(69, 1)[0] == 8);
  slots.wait_for_answer(69, bounded());
  CHECK_FALSE(slots.is_answered(2));
}

TEST_CASE("a predictor takes whole slots up to its limit, and at least one") {
  InferenceSlots slots(8, kShape, 1);
  for (std::size_t slot = 0; slot < 8; ++slot) slots.ask(slot, 3);
  CHECK(taken(slots, 0, 1).size() == 1);
  CHECK(taken(slots, 0, 7).size() == 2);
  std::vector<std::size_t> more{0};
  CHECK(slots.take(0, 3, 9, more) == 6);
  CHECK(taken(slots, 0).size() == 3);
  CHECK(taken(slots, 0).empty());
}

TEST_CASE("the floats of full slots that lie side by side are one span") {
  InferenceSlots slots(4, kShape, 1);
  CHECK(slots.observations(1, 5).data() == slots.observations(1, 1).data());
  CHECK(slots.observations(2, 1).data() == slots.observations(1, 6).data() + 6);
  CHECK(slots.outputs(3, 1).data() == slots.outputs(2, 6).data() + 6);
}

TEST_CASE("a predictor that takes a dead one's place hands back what that one had taken") {
  InferenceSlots slots(4, kShape, 2);
  for (std::size_t slot = 0; slot < 3; ++slot) slots.ask(slot, 1);
  std::vector<std::size_t> own, other;
  slots.take(0, 0, 2, own);
  slots.take(1, 0, 1, other);
  REQUIRE(own.size() == 2);
  REQUIRE(other.size() == 1);
  slots.begin(0);
  CHECK(taken(slots, 0) == own);
  slots.answer(1, other.front());
  CHECK(slots.is_answered(other.front()));
}

TEST_CASE("a worker in a dead one's place takes back what is not being computed") {
  InferenceSlots slots(2, kShape, 1);
  CHECK(slots.take_back(0));
  slots.ask(0, 1);
  CHECK(slots.take_back(0));
  CHECK(taken(slots, 0).empty());
  slots.ask(0, 2);
  CHECK(taken(slots, 0).size() == 1);
  CHECK_FALSE(slots.take_back(0));
  slots.answer(0, 0);
  CHECK(slots.take_back(0));
  CHECK_FALSE(slots.is_answered(0));
}

TEST_CASE("many workers and predictors lose no request", "[forks]") {
  const int predictors = GENERATE(1, 3);
  InferenceSlots slots(5, kShape, predictors);
  const SharedArray<std::atomic<bool>> over(1, "a test");
  std::vector<ChildProcess> serving, asking;
  for (int i = 0; i < predictors; ++i) serving.emplace_back([&, i] { return predict(slots, i, over[0]); });
  for (std::size_t slot = 0; slot < 5; ++slot)
    asking.emplace_back([&, slot] { return ask(slots, slot, 2'000) ? 0 : 1; });
  for (ChildProcess& each : asking) CHECK(each.wait() == "exit 0");
  over[0] = true;
  for (ChildProcess& each : serving) CHECK(each.wait() == "exit 0");
}

TEST_CASE("predictors that are killed while they compute leave no request behind", "[forks]") {
  InferenceSlots slots(4, kShape, 2);
  const SharedArray<std::atomic<bool>> over(1, "a test");
  const SharedArray<std::atomic<bool>> enough(1, "a test");
  const SharedArray<std::atomic<int>> answered(1, "a test");
  std::vector<ChildProcess> asking;
  for (std::size_t slot = 0; slot < 4; ++slot) {
    asking.emplace_back([&, slot] {
      while (!enough[0]) {
        if (!ask(slots, slot, 10)) return 1;
        ++answered[0];
      }
      return 0;
    });
  }
  std::vector<ChildProcess> serving;
  for (int i = 0; i < 2; ++i) serving.emplace_back([&, i] { return predict(slots, i, over[0]); });
  int killed = 0;
  const Deadline end = Deadline::after(patient_seconds(120));
  while (killed < 60 && !end.passed()) {
    const int before = answered[0];
    while (answered[0] < before + 2 && !end.passed()) ::sched_yield();
    const int number = killed++ % 2;
    std::vector<ChildProcess> rest;
    ChildProcess victim = std::move(serving[static_cast<std::size_t>(number)]);
    victim.kill(SIGKILL);
    victim.wait();
    rest.emplace_back(number == 0 ? ChildProcess([&] { return predict(slots, 0, over[0]); })
                                  : std::move(serving.front()));
    rest.emplace_back(number == 1 ? ChildProcess([&] { return predict(slots, 1, over[0]); })
                                  : std::move(serving.back()));
    serving = std::move(rest);
  }
  enough[0] = true;
  for (ChildProcess& each : asking) CHECK(each.wait() == "exit 0");
  CHECK(killed == 60);
  over[0] = true;
  for (ChildProcess& each : serving) CHECK(each.wait() == "exit 0");
}
