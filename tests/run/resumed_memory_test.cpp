// The state that a resumed run has read does not stay in its memory.
#include <malloc.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/parent_run.h"
#include "genkidama/run/trainer_run.h"
#include "run/resumed_run.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

TEST_CASE("a resumed run holds no more memory than a new one", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = trainer_of({700, 700});
  const std::size_t weights = trainer.layout().size() * sizeof(float);
  REQUIRE(weights > 1'900'000);
  // Of another kind than the run's, so that nobody goes on with it.
  RunState state;
  state.policy_average = "ema";
  state.average = {3, std::vector<float>(trainer.layout().size(), 0.5F)};
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
