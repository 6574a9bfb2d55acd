#include <cmath>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/ipc/replay_sampler.h"
#include "ipc/numbered_steps.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// Where each sequence begins among the steps.
std::vector<std::size_t> starts_of(const ReplaySequences& sequences) {
  std::vector<std::size_t> starts;
  std::size_t sum = 0;
  for (const std::size_t length : sequences.lengths) {
    starts.push_back(sum);
    sum += length;
  }
  return starts;
}

/// The sequence whose drawn step is n.
std::size_t sequence_of(const ReplaySequences& sequences, float n) {
  const auto starts = starts_of(sequences);
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    if (sequences.actions[starts[i] + sequences.drawn[i]] == n) return i;
  }
  FAIL("no sequence was drawn at " << n);
  return 0;
}

void check_sequence(const ReplaySequences& sequences, float n, std::vector<float> steps, bool terminated) {
  CAPTURE(n);
  const std::size_t i = sequence_of(sequences, n);
  const std::size_t start = starts_of(sequences)[i];
  REQUIRE(sequences.lengths[i] == steps.size());
  CHECK(sequences.terminated[i] == (terminated ? 1 : 0));
  CHECK(sequences.weights[i] == 1);
  steps.push_back(steps.back() + 1);
  for (std::size_t t = 0; t < steps.size(); ++t) {
    // Each sequence before this one has an observation more than steps.
    CHECK(sequences.observations[2 * (start + i + t)] == steps[t]);
    CHECK(sequences.observations[2 * (start + i + t) + 1] == -steps[t]);
    if (t + 1 == steps.size()) break;
    CHECK(sequences.actions[start + t] == steps[t]);
    CHECK(sequences.rewards[start + t] == 10 * steps[t]);
  }
}

ReplaySequences many(ReplayBuffer& buffer, std::size_t before, std::size_t length,
                     const ReplaySamplerOptions& options = {}) {
  ReplaySampler sampler(buffer, options);
  Random random(3);
  ReplaySequences sequences;
  sampler.sample_sequences(random, 300, before, length, {}, sequences);
  CHECK(sequences.size() == 300);
  return sequences;
}

}  // namespace

TEST_CASE("a drawn step comes with those before and after it in its episode") {
  ReplayBuffer buffer(2, 10, 2);
  for (const float n : {1.0f, 2.0f, 3.0f}) store(buffer, 0, n);
  store(buffer, 0, 4, End::kTerminated);
  store(buffer, 0, 21);
  store(buffer, 0, 22, End::kTruncated);
  // An episode that was left in its middle.
  store(buffer, 0, 31);
  store(buffer, 0, 41);
  store(buffer, 1, 51);
  const ReplaySequences sequences = many(buffer, 2, 3);
  check_sequence(sequences, 1, {1, 2, 3}, false);
  check_sequence(sequences, 2, {1, 2, 3, 4}, true);
  check_sequence(sequences, 3, {1, 2, 3, 4}, true);
  check_sequence(sequences, 4, {2, 3, 4}, true);
  check_sequence(sequences, 21, {21, 22}, false);
  check_sequence(sequences, 22, {21, 22}, false);
  check_sequence(sequences, 31, {31}, false);
  check_sequence(sequences, 41, {41}, false);
  check_sequence(sequences, 51, {51}, false);
  check_sequence(many(buffer, 0, 1), 3, {3}, false);
  check_sequence(many(buffer, 0, 2, {.bootstrap_truncated = false}), 21, {21, 22}, true);
}

TEST_CASE("sequences end where the buffer does, and leap over other environments' steps") {
  ReplayBuffer buffer(1, 4, 2);
  for (float n = 1; n < 8; ++n) store(buffer, 0, n);
  check_sequence(many(buffer, 9, 9), 5, {4, 5, 6, 7}, false);
  ReplayBuffer pair(1, 8, 2);
  for (float n = 1; n < 4; ++n) {
    store(pair, 0, n);
    store(pair, 0, 100 + n);
  }
  const ReplaySequences sequences = many(pair, 1, 2, {.stride = 2});
  check_sequence(sequences, 2, {1, 2, 3}, false);
  check_sequence(sequences, 102, {101, 102, 103}, false);
}

TEST_CASE("each observation of a sequence has its mask") {
  ReplayBuffer buffer(1, 4, 2, 1, 3);
  store(buffer, 0, 1, End::kNone, {1, 0, 1});
  store(buffer, 0, 2, End::kNone, {0, 1, 1});
  const ReplaySequences sequences = many(buffer, 1, 1);
  const std::size_t i = sequence_of(sequences, 2);
  const auto first = static_cast<std::ptrdiff_t>(3 * (starts_of(sequences)[i] + i));
  CHECK(std::vector<std::uint8_t>(sequences.masks.begin() + first, sequences.masks.begin() + first + 9) ==
        std::vector<std::uint8_t>{1, 1, 1, 1, 0, 1, 0, 1, 1});
}

TEST_CASE("sequences are drawn by the priority of their drawn steps") {
  ReplayBuffer buffer(1, 4, 2, 1, 0, true);
  for (float n = 0; n < 4; ++n) store(buffer, 0, n, n == 1 ? End::kTerminated : End::kNone);
  for (std::uint64_t n = 0; n < 4; ++n) buffer.set_priority({0, n}, n == 2 ? 3.0f : n == 0 ? 1.0f : 0.0f);
  ReplaySampler sampler(buffer, {});
  Random random(1);
  ReplaySequences sequences;
  sampler.sample_sequences(random, 400, 0, 2, 1.0, sequences);
  int of_two = 0;
  for (std::size_t i = 0; i < 400; ++i) {
    const std::uint64_t number = sequences.places[i].number;
    REQUIRE((number == 0 || number == 2));
    of_two += number == 2;
    // 3 in 4 draws have a third of the weight of the others.
    CHECK(sequences.weights[i] == Approx(number == 2 ? 1.0 / 3 : 1.0));
  }
  CHECK(of_two == 300);
  sampler.write_priorities(sequences.places, std::vector<float>(400, 0.5f));
  CHECK(buffer.priority({0, 2}) == 0.5f);
}

TEST_CASE("sequences of no steps, an empty buffer and bad exponents are refused") {
  ReplayBuffer buffer(1, 4, 2), by_priority(1, 4, 2, 1, 0, true);
  Random random(1);
  ReplaySequences sequences;
  ReplaySampler sampler(buffer, {}), prioritised(by_priority, {});
  CHECK_THROWS_WITH(sampler.sample_sequences(random, 1, 0, 1, {}, sequences), Catch::Contains("no row"));
  store(buffer, 0, 1);
  store(by_priority, 0, 1);
  CHECK_THROWS_WITH(sampler.sample_sequences(random, 1, 0, 0, {}, sequences), Catch::Contains("at least 1"));
  CHECK_THROWS_AS(sampler.sample_sequences(random, 1, 0, 1, 0.5, sequences), ArgumentError);
  for (const double bad : {-0.1, 1.1, std::nan("")})
    CHECK_THROWS_WITH(prioritised.sample_sequences(random, 1, 0, 1, bad, sequences),
                      Catch::Contains("importance_exponent is"));
}
