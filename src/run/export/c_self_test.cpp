#include <span>

#include "run/export/c_parts.h"

namespace genkidama::run {
namespace {

constexpr const char* kOpening = R"(
#if defined($_SELF_TEST) || defined($_SELF_TEST_MAIN)
/* What the library computes. An action of -1 is too close to call. */
)";

constexpr const char* kDiffers = R"(
static inline int @_test_differs(float value, float expected) {
  const float size = expected < 0 ? -expected : expected;
  const float difference = value < expected ? expected - value : value - expected;
  return !(difference <= 1e-5f * (size > 1 ? size : 1));
}

/* 0; or the number of the first recorded step, from 1 on, in which something else is computed. */
static inline int @_self_test(void) {
  float outputs[$_OUTPUT_SIZE], action[$_ACTION_SIZE];
)";

constexpr const char* kCompareOutputs = R"(
    for (i = 0; i < $_OUTPUT_SIZE; ++i) {
      if (@_test_differs(outputs[i], @_test_outputs[n * $_OUTPUT_SIZE + i])) return n + 1;
    }
)";

constexpr const char* kClosing = R"(    }
  }
  return 0;
}
#endif

#ifdef $_SELF_TEST_MAIN
int main(void) {
  return @_self_test();
}
#endif
)";

}  // namespace

void add_c_self_test(const PortablePolicy& policy, const RecordedSteps& steps, CText& text) {
  const bool remembers = policy.has_memory(), chooses = has_choices(policy);
  text.add(kOpening);
  text.add(c_table("@_test_observations", std::span<const float>(steps.observations)));
  if (chooses) text.add(c_table("@_test_masks", std::span<const std::uint8_t>(steps.masks)));
  text.add(c_table("@_test_outputs", std::span<const float>(steps.outputs)));
  text.add(c_table("@_test_actions", std::span<const float>(steps.actions)));
  text.add(kDiffers);
  if (remembers) text.add("  struct @_state state, before;\n");
  text.line("  int n, i;\n  for (n = 0; n < {}; ++n) {{", steps.count);
  text.add("    const float *observation = @_test_observations + n * $_OBSERVATION_SIZE;\n");
  if (remembers) {
    text.line("    if (n % {} == 0) @_reset(&state);\n    before = state;", RecordedSteps::kEpisode);
  }
  const char* const state = remembers ? "&state, " : "";
  const char* const mask = chooses ? ", @_test_masks + n * $_MASK_SIZE" : "";
  text.line("    if (!@_outputs({}observation, outputs)) return n + 1;", state);
  text.add(kCompareOutputs + 1);
  if (remembers) text.add("    state = before;\n");
  if (returns_choice(policy)) {
    text.line("    action[0] = (float)@_act({}observation{});", state, mask);
  } else {
    text.line("    if (@_act({}observation{}, action) != 0) return n + 1;", state, mask);
  }
  text.add(
      "    for (i = 0; i < $_ACTION_SIZE; ++i) {\n"
      "      const float expected = @_test_actions[n * $_ACTION_SIZE + i];\n");
  if (chooses) text.line("      if (i < {} && expected < 0) continue;", policy.actions.choices.size());
  text.add("      if (@_test_differs(action[i], expected)) return n + 1;\n");
  text.add(kClosing);
}

}  // namespace genkidama::run
