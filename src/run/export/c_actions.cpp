#include <string>

#include "run/export/c_parts.h"

namespace genkidama::run {
namespace {

/// One way to act: the function that does it, and what it calls.
struct Way {
  const char* name;
  const char* comment;
  const char* parameter;  ///< behind the mask
  const char* choose;     ///< of the outputs, the count and the mask of a choice, and its number
  std::string component;  ///< lines that make `chosen` of component i
};

/// The opening of a function up to the outputs.
void open(const PortablePolicy& policy, const Way& way, CText& text) {
  text.line("\n/* {}.\n * {}{} */", way.comment,
            has_choices(policy)
                ? "`mask` has 1 for each alternative that is allowed and 0 for the others; 0 in its "
                  "place allows all.\n * "
                : "",
            returns_choice(policy)
                ? "Returns the number of the choice; -1 where the observation is not finite, or "
                  "the mask forbids everything."
                : "Returns 0; -1, and no action, where the observation is not finite, or the "
                  "mask forbids everything.");
  text.line("static inline int @_{}({}const float *observation{}{}{}) {{", way.name, state_parameter(policy),
            has_choices(policy) ? ", const uint8_t *mask" : "", way.parameter,
            returns_choice(policy) ? "" : ", float *action");
  text.add("  float outputs[$_OUTPUT_SIZE];\n");
  if (!returns_choice(policy) && has_choices(policy)) text.add("  int choice;\n");
  if (!policy.components.empty()) text.add("  int i;\n");
  text.line("  if (!@_outputs({}observation, outputs)) return -1;", state_argument(policy));
}

std::string call(const Way& way, const std::string& outputs, int count, const std::string& mask, int number) {
  return fmt::format(fmt::runtime(way.choose), outputs, count, mask, number);
}

void add_choices(const PortablePolicy& policy, const Way& way, CText& text) {
  if (returns_choice(policy)) {
    text.line("  return {};", call(way, "outputs", policy.actions.choices.front(), "mask", 0));
    return;
  }
  int first = 0, number = 0;
  for (const int count : policy.actions.choices) {
    const std::string outputs = first == 0 ? "outputs" : fmt::format("outputs + {}", first);
    const std::string mask = first == 0 ? "mask" : fmt::format("mask == 0 ? 0 : mask + {}", first);
    text.line("  choice = {};", call(way, outputs, count, mask, number));
    text.add("  if (choice < 0) return -1;\n");
    text.line("  action[{}] = (float)choice;", number);
    first += count;
    ++number;
  }
}

void add_way(const PortablePolicy& policy, const Way& way, CText& text) {
  open(policy, way, text);
  add_choices(policy, way, text);
  if (!policy.components.empty()) {
    text.line("  for (i = 0; i < {}; ++i) {{", policy.components.size());
    text.add(way.component);
    text.line("    action[{} + i] = @_component(i, chosen);", policy.actions.choices.size());
    text.add("  }\n");
  }
  text.add(returns_choice(policy) ? "}\n" : "  return 0;\n}\n");
}

/// The mean, and as many deviations from it as the number that was drawn.
std::string drawn_component(const PortablePolicy& policy) {
  const std::size_t mean = policy.first_component_output();
  const auto literal = [](double value) { return c_literal(static_cast<float>(value)); };
  return fmt::format(
      "    float log_deviation = {0} + outputs[{1} + i], chosen;\n"
      "    if (log_deviation < {2}) log_deviation = {2};\n"
      "    if (log_deviation > {3}) log_deviation = {3};\n"
      "    chosen = outputs[{4} + i] + @_exp_plus(log_deviation, 0) * random[{5} + i];\n",
      literal(policy.log_deviation_offset), mean + policy.components.size(), literal(kLeastLogDeviation),
      literal(kMostLogDeviation), mean, policy.actions.choices.size());
}

}  // namespace

void add_c_actions(const PortablePolicy& policy, CText& text) {
  add_way(policy,
          {.name = "act",
           .comment = "The best action",
           .parameter = "",
           .choose = "@_best({}, {}, {})",
           .component =
               fmt::format("    const float chosen = outputs[{} + i];\n", policy.first_component_output())},
          text);
  if (!policy.is_sampled) return;
  add_way(policy,
          {.name = "sample",
           .comment =
               "An action that is drawn from the policy. `random` has $_ACTION_SIZE numbers: for each choice "
               "one that is\n * uniform in [0, 1), for each component one that is standard normal",
           .parameter = ", const float *random",
           .choose = "@_draw({}, {}, {}, random[{}])",
           .component = drawn_component(policy)},
          text);
}

}  // namespace genkidama::run
