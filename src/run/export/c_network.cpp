#include <algorithm>
#include <string>

#include "run/export/c_functions.h"
#include "run/export/c_parts.h"

namespace genkidama::run {
namespace {

bool has_hidden(const DenseStack& stack) {
  return stack.layers() > (stack.activates_last ? 0u : 1u);
}

const char* activation_function(Activation activation) {
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

const char* weight_function(WeightForm form) {
  switch (form) {
    case WeightForm::kFloat32:
      return kCFloat32;
    case WeightForm::kFloat16:
      return kCFloat16;
    case WeightForm::kInt8:
      return kCInt8;
  }
  return "";
}

void add_component(bool squashes, CText& text) {
  text.add(
      "\n/* What the environment is given for a continuous component. */\n"
      "static inline float @_component(int i, float chosen) {\n");
  text.line("  const float value = (float)(@_centre[i] + @_half_range[i] * (double){});",
            squashes ? "@_tanh(chosen)" : "chosen");
  text.add(
      "  if (value < @_low[i]) return @_low[i];\n"
      "  return value > @_high[i] ? @_high[i] : value;\n}\n");
}

// What layers between the first and the last write to, one after the other.
constexpr const char* kBuffers[] = {"one", "other"};

/// Calls for the layers of a stack. `input` becomes what the last of them wrote: `result`, where there is
/// one.
void add_layers(const char* name, const DenseStack& stack, const char* result, std::string& input,
                CText& text) {
  for (std::size_t i = 0; i < stack.layers(); ++i) {
    const bool is_last = i + 1 == stack.layers() && *result != '\0';
    const std::string output = is_last ? result : kBuffers[input == kBuffers[0]];
    const std::string layer = fmt::format("@_{}{}", name, i + 1);
    text.line("  @_layer({0}_weight, {0}_bias, {1}, {2}, {3}, {4});", layer, stack.in(i), stack.out(i), input,
              output);
    if (stack.normalises(i))
      text.line("  @_normalise_layer({0}_gain, {0}_shift, {1}, {2});", layer, stack.out(i), output);
    if (stack.activates(i)) text.line("  @_activate({}, {});", output, stack.out(i));
    input = output;
  }
}

/// Floats of the widest layer that does not write to the outputs.
std::size_t widest(const PortablePolicy& policy) {
  std::size_t widest = 0;
  for (const DenseStack& stack : {policy.shape.trunk_stack(), policy.shape.policy_stack()}) {
    for (std::size_t i = 0; i < stack.layers(); ++i) {
      if (stack.activates(i)) widest = std::max(widest, stack.out(i));
    }
  }
  return widest;
}

}  // namespace

void add_c_arithmetic(const PortablePolicy& policy, CText& text) {
  const LayerStyle& style = policy.shape.style;
  const bool activates = has_hidden(policy.shape.trunk_stack()) || has_hidden(policy.shape.policy_stack());
  const bool squashes = !policy.components.empty() && policy.unit == ContinuousUnit::kTanh;
  const bool has_tanh =
      (activates && style.activation == Activation::kTanh) || policy.has_memory() || squashes;
  const bool has_silu = activates && style.activation == Activation::kSilu;
  text.add(kCNumbers);
  if (has_tanh || has_silu || policy.is_sampled) text.add(kCExponential);
  if (has_tanh) text.add(kCTanh);
  text.add(weight_function(policy.form));
  text.add(kCLayer);
  if (activates && style.layer_norm) text.add(kCNormaliseRow);
  if (activates) text.add(activation_function(style.activation));
  if (policy.has_memory()) {
    text.add(kCSigmoid);
    text.add(kCMemory);
  }
  if (policy.normaliser.changes_observations()) text.add(kCNormalise);
  if (has_choices(policy)) text.add(policy.outputs_each > 1 ? kCBestSum : kCBest);
  if (has_choices(policy) && policy.is_sampled) text.add(kCDraw);
  if (!policy.components.empty()) add_component(squashes, text);
}

void add_c_forward(const PortablePolicy& policy, CText& text) {
  const bool normalises = policy.normaliser.changes_observations();
  const std::size_t free = policy.free.size();
  CText layers;
  std::string input = normalises ? "normalised" : "observation";
  add_layers("trunk", policy.shape.trunk_stack(), "", input, layers);
  if (policy.has_memory()) {
    layers.line("  @_remember({}, {}, state->memory);", input, policy.shape.memory.in);
    input = "state->memory";
  }
  add_layers("pi", policy.shape.policy_stack(), "outputs", input, layers);

  text.add(
      "\n/* The outputs of the network for an observation. Returns 1; or 0, where the observation or an "
      "output is "
      "not\n * finite. */\n");
  text.line("static inline int @_outputs({}const float *observation, float *outputs) {{",
            state_parameter(policy));
  for (const char* buffer : kBuffers) {
    const bool is_used = layers.text().find(fmt::format(", {})", buffer)) != std::string::npos;
    if (is_used) text.line("  float {}[{}];", buffer, widest(policy));
  }
  if (normalises) text.add("  float normalised[$_OBSERVATION_SIZE];\n");
  if (free > 0) text.add("  int i;\n");
  text.add("  if (!@_are_finite(observation, $_OBSERVATION_SIZE)) return 0;\n");
  if (normalises) text.add("  @_normalise(observation, normalised);\n");
  text.add(layers.text());
  if (free > 0)
    text.line("  for (i = 0; i < {0}; ++i) outputs[{1} + i] = @_free[i];", free, policy.output_size() - free);
  text.add("  return @_are_finite(outputs, $_OUTPUT_SIZE);\n}\n");
}

}  // namespace genkidama::run
