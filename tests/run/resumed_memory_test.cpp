// The state that a resumed run has read does not stay in its memory, and one that is written needs little.
#include <malloc.h>

#include <cstddef>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/parent_run.h"
#include "genkidama/run/trainer_run.h"
#include "run/resumed_run.h"
#include "support/averages.h"
#include "support/catch.h"
#include "support/child_process.h"
#include "support/temporary_directory.h"
#include "support/trainer_part.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

/// A line of /proc/self/status in bytes.
double own_memory(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return 1024 * std::stod(line.substr(field.size() + 1));
  }
  return 0;
}

/// By how much the memory of this process grows meanwhile, at its highest.
double growth(const std::function<void()>& work) {
  ::malloc_trim(0);                               // what was freed before must not serve for it
  std::ofstream("/proc/self/clear_refs") << "5";  // VmHWM begins anew
  const double before = own_memory("VmRSS");
  work();
  return own_memory("VmHWM") - before;
}

}  // namespace

TEST_CASE("a resumed run holds no more memory than a new one", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = trainer_of({700, 700});
  const std::size_t weights = trainer.layout().size() * sizeof(float);
  REQUIRE(weights > 1'900'000);
  // Of another kind than the run's, so that nobody goes on with it.
  RunState state;
  const PolicyAverage average = average_of(std::vector<float>(trainer.layout().size(), 0.5F), 3);
  state.average = &average;
  write_state(directory / "resumed", trainer, state, true);
  write_state(directory / "resumed_parent", trainer, state, false);

  const auto in_use = [] {
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  const auto held_by = [&](const std::function<std::shared_ptr<void>()>& make) {
    const std::size_t before = in_use();
    const auto run = make();
    return static_cast<double>(in_use()) - static_cast<double>(before);
  };
  const auto trains = [&](const char* name) {
    return held_by([&] { return std::make_shared<TrainerRun>(trainer, options_in(directory / name)); });
  };
  const auto merges = [&](const char* name) {
    ParentOptions options;
    options.listen = {Endpoint::parse("127.0.0.1:0")};
    return held_by(
        [&] { return std::make_shared<ParentRun>(trainer, options_in(directory / name), options); });
  };
  const double share = 0.5 * static_cast<double>(weights);  // of what it would be to keep the weights alone
  CHECK(trains("new") > share);                             // it does measure
  CHECK(trains("resumed") < trains("new too") + share);
  CHECK(merges("resumed_parent") < merges("new_parent") + share);
}

TEST_CASE("a state is written without a second copy of its replay rows", "[forks]") {
  const TemporaryDirectory directory;
  const ParameterLayout layout({{"w", {1}}});
  ReplayBuffer replay(2, 200'000, 8);
  const double rows = 2.0 * 200'000 * static_cast<double>(replay.row_size()) * sizeof(float);
  REQUIRE(rows > 30e6);
  const std::vector<float> observation(8, 0.5F), action{1};
  for (int core = 0; core < 2; ++core) {
    for (int i = 0; i < 200'000; ++i) replay.store(core, {observation, action, 1, observation, false, false});
  }
  TrainerPart trainer({1, 2});
  trainer.replay_buffer = &replay;
  RunState state;
  state.weights = {1};
  state.trainer = &trainer;
  const auto write = [&] { write_run_state(directory / "state.safetensors", layout, state); };
  // Pages of the shared buffer that are seen for the first time would count as growth.
  ChildProcess process([&] {
    double sum = 0;
    for (int core = 0; core < 2; ++core) {
      for (std::size_t newer = 0; newer < 200'000; newer += 1000) {
        sum += replay.in_time_order(core, 1000, newer).rewards[0];
      }
    }
    if (sum != 400) return 1;
    const double from_buffer = growth(write);
    if (from_buffer < 0.9 * rows) return 2;  // it does measure
    if (from_buffer > 1.2 * rows) return 3;
    const SavedState saved(trainer);
    state.trainer = &saved;
    return growth(write) < 0.2 * rows ? 0 : 4;
  });
  CHECK(process.wait() == "exit 0");
}
