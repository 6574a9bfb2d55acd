#include "run/export/c_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include "genkidama/core/version.h"
#include "run/export/c_functions.h"
#include "run/export/c_text.h"

namespace genkidama::run {
namespace {

/// A header's text, in which '@' and '$' stand for the prefix.
class Header {
 public:
  explicit Header(const PortablePolicy& policy) : policy_(policy) {}

  std::string text(const RecordedSteps& steps) {
    opening();
    sizes();
    tables();
    functions();
    forward();
    act();
    if (policy_.is_sampled) sample();
    self_test(steps);
    text_ += "\n#endif\n";
    return std::move(text_);
  }

 private:
  bool has_choices() const { return !policy_.actions.choices.empty(); }
  bool has_components() const { return !policy_.components.empty(); }
  bool returns_choice() const { return policy_.actions.is_one_choice(); }

  void add(std::string_view text) { text_ += text; }
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    text_ += fmt::format(format, std::forward<Args>(args)...) + '\n';
  }

  void opening() {
    line("/* The policy of {}, a network '{}' that acts by '{}'.", comment_text(policy_.environment),
         comment_text(policy_.network), comment_text(policy_.behaviour));
    line(" *");
    line(" * Written by genkidama {}. It takes C99 or C++, allocates nothing and needs nothing else.",
         kVersion);
    line(" * -D{0}_SELF_TEST_MAIN makes a program of it that tests it: cc -std=c99 -D{0}_SELF_TEST_MAIN -x c",
         "$");
    add(" */\n#ifndef $_H\n#define $_H\n\n#include <stdint.h>\n\n");
  }

  void sizes() {
    line("#define $_OBSERVATION_SIZE {} /* floats of an observation */", policy_.observation_size());
    line("#define $_OUTPUT_SIZE {} /* outputs of the network */", policy_.output_size());
    line("#define $_ACTION_SIZE {} /* numbers of an action: the choices, then what is continuous */",
         policy_.actions.width());
    if (has_choices())
      line("#define $_MASK_SIZE {} /* alternatives of all choices */", policy_.actions.alternatives());
    if (policy_.outputs_each > 1) line("#define $_OUTPUTS_EACH {}", policy_.outputs_each);
    if (policy_.has_memory()) line("#define $_MEMORY_SIZE {}", policy_.shape.memory.units);
    add("\n");
  }

  void table(const std::string& name, std::span<const float>& rest, std::size_t count) {
    text_ += c_table("@_" + name, rest.first(count));
    rest = rest.subspan(count);
  }

  void stack_tables(const char* name, const DenseStack& stack, std::span<const float>& rest) {
    for (std::size_t i = 0; i < stack.layers(); ++i) {
      const std::size_t in = stack.in(i), out = stack.out(i);
      const std::string layer = fmt::format("{}{}", name, i + 1);
      table(layer + "_weight", rest, in * out);
      table(layer + "_bias", rest, out);
      if (!stack.normalises(i)) continue;
      table(layer + "_gain", rest, out);
      table(layer + "_shift", rest, out);
    }
  }

  void tables() {
    std::span<const float> rest = policy_.weights;
    stack_tables("trunk", policy_.shape.trunk_stack(), rest);
    if (policy_.has_memory()) {
      const GruShape& memory = policy_.shape.memory;
      table("gru_weight_input", rest, 3 * memory.units * memory.in);
      table("gru_weight_memory", rest, 3 * memory.units * memory.units);
      table("gru_bias_input", rest, 3 * memory.units);
      table("gru_bias_memory", rest, 3 * memory.units);
    }
    stack_tables("pi", policy_.shape.policy_stack(), rest);
    if (!policy_.free.empty()) text_ += c_table("@_free", std::span<const float>(policy_.free));
    if (policy_.normaliser.changes_observations()) {
      text_ += c_table("@_mean", policy_.normaliser.means());
      text_ += c_table("@_scale", policy_.normaliser.scales());
      line("#define @_CLIP {}", c_literal(policy_.normaliser.clip()));
    }
    if (has_components()) component_tables();
  }

  void component_tables() {
    // No bound is the largest number: C has no literal of infinity.
    constexpr float kLargest = std::numeric_limits<float>::max();
    std::vector<float> low, high;
    std::vector<double> centre, half_range;
    for (const auto& component : policy_.components) {
      low.push_back(std::max(component.low, -kLargest));
      high.push_back(std::min(component.high, kLargest));
      centre.push_back(component.centre);
      half_range.push_back(component.half_range);
    }
    text_ += c_table("@_low", std::span<const float>(low));
    text_ += c_table("@_high", std::span<const float>(high));
    text_ += c_table("@_centre", std::span<const double>(centre));
    text_ += c_table("@_half_range", std::span<const double>(half_range));
  }

  void functions() {
    const Activation activation = policy_.shape.style.activation;
    const bool has_hidden = activates(policy_.shape.trunk_stack()) || activates(policy_.shape.policy_stack());
    const bool squashes = has_components() && policy_.unit == ContinuousUnit::kTanh;
    const bool has_tanh = (has_hidden && activation == Activation::kTanh) || policy_.has_memory() || squashes;
    const bool has_silu = has_hidden && activation == Activation::kSilu;
    add(kCNumbers);
    if (has_tanh || has_silu || policy_.is_sampled) add(kCExponential);
    if (has_tanh) add(kCTanh);
    add(kCLayer);
    if (has_hidden && policy_.shape.style.layer_norm) add(kCNormaliseRow);
    if (has_hidden) add(activation_function(activation));
    if (policy_.has_memory()) {
      add(kCSigmoid);
      add(kCMemory);
    }
    if (policy_.normaliser.changes_observations()) add(kCNormalise);
    if (has_choices()) add(policy_.outputs_each > 1 ? kCBestSum : kCBest);
    if (has_choices() && policy_.is_sampled) add(kCDraw);
    if (has_components()) component_function(squashes);
  }

  static bool activates(const DenseStack& stack) { return stack.layers() > (stack.activates_last ? 0u : 1u); }

  static const char* activation_function(Activation activation) {
    switch (activation) {
      case Activation::kTanh:
        return kCActivateTanh;
      case Activation::kRelu:
        return kCActivateRelu;
      case Activation::kSilu:
        return kCActivateSilu;
    }
    return "";
  }

  void component_function(bool squashes) {
    add("\n/* What the environment is given for a continuous component. */\n"
        "static inline float @_component(int i, float chosen) {\n");
    line("  const float value = (float)(@_centre[i] + @_half_range[i] * (double){});",
         squashes ? "@_tanh(chosen)" : "chosen");
    add("  if (value < @_low[i]) return @_low[i];\n"
        "  return value > @_high[i] ? @_high[i] : value;\n}\n");
  }

  std::string state_parameter() const { return policy_.has_memory() ? "struct @_state *state, " : ""; }
  std::string state_argument() const { return policy_.has_memory() ? "state, " : ""; }

  void layers(const char* name, const DenseStack& stack, std::string& input, const char* result) {
    for (std::size_t i = 0; i < stack.layers(); ++i) {
      const bool last = i + 1 == stack.layers() && result != nullptr;
      const std::string output = last ? result : input == "one" ? "other" : "one";
      const std::string layer = fmt::format("@_{}{}", name, i + 1);
      line("  @_layer({0}_weight, {0}_bias, {1}, {2}, {3}, {4});", layer, stack.in(i), stack.out(i), input,
           output);
      if (stack.normalises(i))
        line("  @_normalise_layer({0}_gain, {0}_shift, {1}, {2});", layer, stack.out(i), output);
      if (stack.activates(i)) line("  @_activate({}, {});", output, stack.out(i));
      input = output;
    }
  }

  /// Floats of the widest layer but the last; 0: there is none.
  std::size_t widest() const {
    std::size_t widest = 0;
    for (const DenseStack& stack : {policy_.shape.trunk_stack(), policy_.shape.policy_stack()}) {
      for (std::size_t i = 0; i < stack.layers(); ++i) {
        if (stack.activates(i)) widest = std::max(widest, stack.out(i));
      }
    }
    return widest;
  }

  void forward() {
    const bool normalises = policy_.normaliser.changes_observations();
    std::string input = normalises ? "normalised" : "observation";
    std::string head = std::move(text_);
    text_.clear();
    layers("trunk", policy_.shape.trunk_stack(), input, nullptr);
    if (policy_.has_memory()) {
      line("  @_remember({}, {}, state->memory);", input, policy_.shape.memory.in);
      input = "state->memory";
    }
    layers("pi", policy_.shape.policy_stack(), input, "outputs");
    std::string body = std::move(text_);
    text_ = std::move(head);
    add("\n/* The outputs of the network for an observation. 1; or 0, where the observation or an output is "
        "not "
        "finite. */\n");
    line("static inline int @_outputs({}const float *observation, float *outputs) {{", state_parameter());
    for (const char* buffer : {"one", "other"}) {
      if (body.find(fmt::format(", {})", buffer)) != std::string::npos)
        line("  float {}[{}];", buffer, widest());
    }
    if (normalises) add("  float normalised[$_OBSERVATION_SIZE];\n");
    if (!policy_.free.empty()) add("  int i;\n");
    add("  if (!@_are_finite(observation, $_OBSERVATION_SIZE)) return 0;\n");
    if (normalises) add("  @_normalise(observation, normalised);\n");
    add(body);
    if (!policy_.free.empty()) {
      line("  for (i = 0; i < {}; ++i) outputs[{} + i] = @_free[i];", policy_.free.size(),
           policy_.output_size() - policy_.free.size());
    }
    add("  return @_are_finite(outputs, $_OUTPUT_SIZE);\n}\n");
  }

  /// The opening of a function that makes an action, up to the outputs.
  void action_function(const char* name, const char* further) {
    line("static inline int @_{}({}const float *observation{}{}{}) {{", name, state_parameter(),
         has_choices() ? ", const uint8_t *mask" : "", further, returns_choice() ? "" : ", float *action");
    add("  float outputs[$_OUTPUT_SIZE];\n");
    if (!returns_choice() && has_choices()) add("  int choice;\n");
    if (has_components()) add("  int i;\n");
    line("  if (!@_outputs({}observation, outputs)) return -1;", state_argument());
  }

  /// `call` is what chooses among COUNT alternatives, with {0} for their outputs, {1} for COUNT, {2} for
  /// their mask and {3} for the number of the choice.
  template <typename Call>
  void choices(const Call& call) {
    if (returns_choice()) {
      line("  return {};", call("outputs", policy_.actions.choices.front(), "mask", 0));
      return;
    }
    int first = 0, number = 0;
    for (const int count : policy_.actions.choices) {
      const std::string outputs = first == 0 ? "outputs" : fmt::format("outputs + {}", first);
      const std::string mask = first == 0 ? "mask" : fmt::format("mask == 0 ? 0 : mask + {}", first);
      line("  choice = {};", call(outputs, count, mask, number));
      add("  if (choice < 0) return -1;\n");
      line("  action[{}] = (float)choice;", number);
      first += count;
      ++number;
    }
  }

  /// `chosen` is the number in which component `i` was learnt.
  void components(const std::string& chosen) {
    if (has_components()) {
      line("  for (i = 0; i < {}; ++i) {{", policy_.components.size());
      add(chosen);
      line("    action[{} + i] = @_component(i, chosen);", policy_.actions.choices.size());
      add("  }\n");
    }
    add(returns_choice() ? "}\n" : "  return 0;\n}\n");
  }

  void action_comment(const char* what) {
    line("\n/* {}. {}{} */", what,
         has_choices()
             ? "`mask` has 1 for each alternative that is allowed and 0 for the others; 0 in its place "
               "allows all.\n * "
             : "",
         returns_choice()
             ? "Returns the number of the choice; -1 where the observation is not finite, or the "
               "mask forbids everything."
             : "Returns 0; -1, and no action, where the observation is not finite, or the mask "
               "forbids everything.");
  }

  void act() {
    action_comment("The best action");
    action_function("act", "");
    choices([](const auto& outputs, int count, const auto& mask, int) {
      return fmt::format("@_best({}, {}, {})", outputs, count, mask);
    });
    components(fmt::format("    const float chosen = outputs[{} + i];\n", policy_.first_component_output()));
  }

  void sample() {
    action_comment(
        "An action that is drawn from the policy. `random` has $_ACTION_SIZE numbers: for each choice one "
        "that is "
        "uniform in\n * [0, 1), for each component one that is standard normal");
    action_function("sample", ", const float *random");
    choices([](const auto& outputs, int count, const auto& mask, int number) {
      return fmt::format("@_draw({}, {}, {}, random[{}])", outputs, count, mask, number);
    });
    const std::size_t mean = policy_.first_component_output();
    components(fmt::format(
        "    float log_deviation = {} + outputs[{} + i], chosen;\n"
        "    if (log_deviation < {}) log_deviation = {};\n"
        "    if (log_deviation > {}) log_deviation = {};\n"
        "    chosen = outputs[{} + i] + @_exp(log_deviation) * random[{} + i];\n",
        c_literal(static_cast<float>(policy_.log_deviation_offset)), mean + policy_.components.size(),
        c_literal(static_cast<float>(kLeastLogDeviation)), c_literal(static_cast<float>(kLeastLogDeviation)),
        c_literal(static_cast<float>(kMostLogDeviation)), c_literal(static_cast<float>(kMostLogDeviation)),
        mean, policy_.actions.choices.size()));
  }

  void self_test(const RecordedSteps& steps) {
    add("\n#if defined($_SELF_TEST) || defined($_SELF_TEST_MAIN)\n"
        "/* What the library computes. An action of -1 is too close to call. */\n");
    text_ += c_table("@_test_observations", std::span<const float>(steps.observations));
    if (has_choices()) text_ += c_table("@_test_masks", std::span<const std::uint8_t>(steps.masks));
    text_ += c_table("@_test_outputs", std::span<const float>(steps.outputs));
    text_ += c_table("@_test_actions", std::span<const float>(steps.actions));
    add("\nstatic inline int @_test_differs(float value, float expected) {\n"
        "  const float size = expected < 0 ? -expected : expected;\n"
        "  const float difference = value < expected ? expected - value : value - expected;\n"
        "  return !(difference <= 1e-5f * (size > 1 ? size : 1));\n"
        "}\n\n"
        "/* 0; or the number of the first recorded step, from 1 on, in which something else is computed. */\n"
        "static inline int @_self_test(void) {\n"
        "  float outputs[$_OUTPUT_SIZE], action[$_ACTION_SIZE];\n");
    if (policy_.has_memory()) add("  struct @_state state, before;\n");
    line("  int n, i;\n  for (n = 0; n < {}; ++n) {{", steps.count);
    add("    const float *observation = @_test_observations + n * $_OBSERVATION_SIZE;\n");
    if (policy_.has_memory()) {
      line("    if (n % {} == 0) @_reset(&state);", RecordedSteps::kEpisode);
      add("    before = state;\n");
    }
    const char* state = policy_.has_memory() ? "&state, " : "";
    line("    if (!@_outputs({}observation, outputs)) return n + 1;", state);
    add("    for (i = 0; i < $_OUTPUT_SIZE; ++i) {\n"
        "      if (@_test_differs(outputs[i], @_test_outputs[n * $_OUTPUT_SIZE + i])) return n + 1;\n"
        "    }\n");
    if (policy_.has_memory()) add("    state = before;\n");
    const char* mask = has_choices() ? ", @_test_masks + n * $_MASK_SIZE" : "";
    if (returns_choice()) {
      line("    action[0] = (float)@_act({}observation{});", state, mask);
    } else {
      line("    if (@_act({}observation{}, action) != 0) return n + 1;", state, mask);
    }
    add("    for (i = 0; i < $_ACTION_SIZE; ++i) {\n"
        "      const float expected = @_test_actions[n * $_ACTION_SIZE + i];\n");
    line("      if ({}@_test_differs(action[i], expected)) return n + 1;",
         has_choices() ? fmt::format("!(i < {} && expected < 0) && ", policy_.actions.choices.size()) : "");
    add("    }\n  }\n  return 0;\n}\n#endif\n\n"
        "#ifdef $_SELF_TEST_MAIN\nint main(void) {\n  return @_self_test();\n}\n#endif\n");
  }

  const PortablePolicy& policy_;
  std::string text_;
};

}  // namespace

std::string c_header(const PortablePolicy& policy, const RecordedSteps& steps, const std::string& prefix) {
  return with_prefix(Header(policy).text(steps), prefix);
}

}  // namespace genkidama::run
