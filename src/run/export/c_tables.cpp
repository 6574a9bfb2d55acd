#include "run/export/c_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace genkidama::run {
namespace {

void take_table(const std::string& name, std::span<const float>& rest, std::size_t count, CText& text) {
  text.add(c_table("@_" + name, rest.first(count)));
  rest = rest.subspan(count);
}

void add_stack(const char* name, const DenseStack& stack, std::span<const float>& rest, CText& text) {
  for (std::size_t i = 0; i < stack.layers(); ++i) {
    const std::size_t in = stack.in(i), out = stack.out(i);
    const std::string layer = fmt::format("{}{}", name, i + 1);
    take_table(layer + "_weight", rest, in * out, text);
    take_table(layer + "_bias", rest, out, text);
    if (!stack.normalises(i)) continue;
    take_table(layer + "_gain", rest, out, text);
    take_table(layer + "_shift", rest, out, text);
  }
}

void add_components(const PortablePolicy& policy, CText& text) {
  // No bound is the largest number: C has no literal of infinity.
  constexpr float kLargest = std::numeric_limits<float>::max();
  std::vector<float> low, high;
  std::vector<double> centre, half_range;
  for (const auto& component : policy.components) {
    low.push_back(std::max(component.low, -kLargest));
    high.push_back(std::min(component.high, kLargest));
    centre.push_back(component.centre);
    half_range.push_back(component.half_range);
  }
  text.add(c_table("@_low", std::span<const float>(low)));
  text.add(c_table("@_high", std::span<const float>(high)));
  text.add(c_table("@_centre", std::span<const double>(centre)));
  text.add(c_table("@_half_range", std::span<const double>(half_range)));
}

}  // namespace

void add_c_tables(const PortablePolicy& policy, CText& text) {
  std::span<const float> rest = policy.weights;
  add_stack("trunk", policy.shape.trunk_stack(), rest, text);
  if (policy.has_memory()) {
    const GruShape& memory = policy.shape.memory;
    take_table("gru_weight_input", rest, 3 * memory.units * memory.in, text);
    take_table("gru_weight_memory", rest, 3 * memory.units * memory.units, text);
    take_table("gru_bias_input", rest, 3 * memory.units, text);
    take_table("gru_bias_memory", rest, 3 * memory.units, text);
  }
  add_stack("pi", policy.shape.policy_stack(), rest, text);
  if (!policy.free.empty()) text.add(c_table("@_free", std::span<const float>(policy.free)));
  if (policy.normaliser.changes_observations()) {
    text.add(c_table("@_mean", policy.normaliser.means()));
    text.add(c_table("@_scale", policy.normaliser.scales()));
    text.line("#define @_CLIP {}", c_literal(policy.normaliser.clip()));
  }
  if (!policy.components.empty()) add_components(policy, text);
}

}  // namespace genkidama::run
