// Files: the old one or the new one, whole, and nothing beside it.
#include <exception>
#include <new>

#include "failing_new.h"
#include "genkidama/core/error.h"
#include "genkidama/params/safetensors.h"
#include "run/state/run_state.h"
#include "support/catch.h"
#include "support/fake_trainer.h"
#include "support/temporary_directory.h"
#include "support/trainer_part.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

struct Outcome {
  bool failed = false;  ///< an allocation did
  bool threw = false;
};

/// With the Nth allocation failing. Reading says so in an IoError that names the file.
template <typename Action>
Outcome try_with(std::uint64_t number, const Action& action) {
  Outcome outcome;
  const FailingAllocation failing(number);
  try {
    action();
  } catch (const std::bad_alloc&) {
    outcome.threw = true;
  } catch (const IoError&) {
    outcome.threw = true;
  }
  outcome.failed = failing.failed();
  return outcome;
}

Checkpoint checkpoint(unsigned seed) {
  return {small_layout(),
          random_weights(small_layout().size(), seed),
          {{"a key that is long enough", "and a value"}}};
}

RunState state(std::uint64_t updates) {
  RunState result;
  result.totals.updates = updates;
  result.weights = random_weights(small_layout().size(), static_cast<unsigned>(updates));
  static const TrainerPart trainer({1, 2, 3});
  result.trainer = &trainer;
  result.recent_returns = {1, 2, 3};
  result.session = {"a run with a long enough name", 1, 2, {3, 4}};
  result.children = "what a Parent counted of its Children";
  return result;
}

RunState read_state(const std::filesystem::path& path) {
  TrainerPart trainer({0, 0, 0});
  return read_run_state(path, small_layout(), &trainer);
}

}  // namespace

TEST_CASE("a checkpoint that cannot be written for want of memory leaves the old one, and no other file") {
  const TemporaryDirectory directory;
  const auto path = directory / "checkpoint.safetensors";
  const Checkpoint old = checkpoint(1), next = checkpoint(2);
  const auto failures = until_none_fails([&](std::uint64_t number) {
    write_safetensors(path, old);
    const Outcome outcome = try_with(number, [&] { write_safetensors(path, next); });
    CAPTURE(number);
    REQUIRE(outcome.threw == outcome.failed);
    REQUIRE(read_safetensors(path).weights == (outcome.failed ? old : next).weights);
    REQUIRE(directory.entries() == 1);
    return outcome.failed;
  });
  CHECK(failures > 10);
}

TEST_CASE("a checkpoint that cannot be read for want of memory is no damaged one") {
  const TemporaryDirectory directory;
  const auto path = directory / "checkpoint.safetensors";
  const Checkpoint written = checkpoint(1);
  write_safetensors(path, written);
  const auto failures = until_none_fails([&](std::uint64_t number) {
    Checkpoint read;
    const Outcome outcome = try_with(number, [&] { read = read_safetensors(path, small_layout()); });
    CAPTURE(number);
    REQUIRE(outcome.threw == outcome.failed);
    if (!outcome.failed) REQUIRE(read.weights == written.weights);
    return outcome.failed;
  });
  CHECK(failures > 20);
}

TEST_CASE("a run's state that cannot be written for want of memory leaves the two before it") {
  const TemporaryDirectory directory;
  const auto path = directory / "state.safetensors";
  const auto failures = until_none_fails([&](std::uint64_t number) {
    write_run_state(path, small_layout(), state(1));
    write_run_state(path, small_layout(), state(2));
    const RunState next = state(3);
    const Outcome outcome = try_with(number, [&] { write_run_state(path, small_layout(), next); });
    CAPTURE(number);
    REQUIRE(outcome.threw == outcome.failed);
    const std::uint64_t updates = outcome.failed ? 2 : 3;
    REQUIRE(read_state(path).totals.updates == updates);
    REQUIRE(read_state(previous_state_of(path)).totals.updates == updates - 1);
    REQUIRE(directory.entries() == 2);
    return outcome.failed;
  });
  CHECK(failures > 50);
}

TEST_CASE("a run's state that cannot be read for want of memory is no damaged one") {
  const TemporaryDirectory directory;
  const auto path = directory / "state.safetensors";
  write_run_state(path, small_layout(), state(5));
  const auto failures = until_none_fails([&](std::uint64_t number) {
    RunState read;
    const Outcome outcome = try_with(number, [&] { read = read_state(path); });
    CAPTURE(number);
    REQUIRE(outcome.threw == outcome.failed);
    if (!outcome.failed) REQUIRE(read.totals.updates == 5);
    return outcome.failed;
  });
  CHECK(failures > 50);
}
