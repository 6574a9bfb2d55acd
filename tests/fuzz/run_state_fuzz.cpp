// Input: a byte that says how large the optimizer's state is, the file.

#include <cmath>

#include "fuzz/targets.h"
#include "genkidama/core/error.h"
#include "run/state/run_state.h"
#include "support/trainer_part.h"

namespace genkidama::fuzz {

void run_state(Input input) {
  if (input.empty()) return;
  static const ParameterLayout layout({{"pi1.weight", {2, 3}}, {"pi1.bias", {2}}});
  const std::size_t optimizer_state_size = input[0] % 2 * layout.size();
  const MemoryFile file(input.subspan(1));
  try {
    test::TrainerPart trainer(std::vector<float>(optimizer_state_size, 0.0F));
    PolicyAverage average({.kind = PolicyAverageKind::kEma});
    const run::RunState state = run::read_run_state(file.path(), layout, &trainer, average);
    require(state.weights.size() == layout.size(), "as many weights as the network has");
    require(trainer.optimizer_state.size() == optimizer_state_size, "as much state as the optimizer has");
    for (const float weight : state.weights) require(std::isfinite(weight), "finite weights");
  } catch (const FormatError&) {
  } catch (const LayoutError&) {
  }
}

}  // namespace genkidama::fuzz
