#include "run/export/c_parts.h"
#include "run/export/weight_form.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace genkidama::run {
namespace {

std::span<const float> take(std::span<const float>& rest, std::size_t count) {
  const auto front = rest.first(count);
  rest = rest.subspan(count);
  return front;
}

void add_weights(const std::string& name, std::span<const float> matrix, std::size_t columns, WeightForm form,
                 CText& text) {
  if (form == WeightForm::kFloat32) return text.add(c_table(name, matrix));
  if (form == WeightForm::kFloat16)
    return text.add(c_table(name, std::span<const std::uint16_t>(float16_codes(matrix))));
  std::vector<std::int8_t> codes;
  for (std::size_t at = 0; at < matrix.size(); at += columns) {
    const auto row = matrix.subspan(at, columns);
    const auto of_row = int8_codes(row, int8_scale(row));
    codes.insert(codes.end(), of_row.begin(), of_row.end());
  }
  text.add(c_table(name, std::span<const std::int8_t>(codes)));
}

/// Of whole numbers the scale of each unit goes along.
void add_bias(const std::string& name, std::span<const float> bias, std::span<const float> matrix,
              WeightForm form, CText& text) {
  if (form != WeightForm::kInt8) return text.add(c_table(name, bias));
  const std::size_t columns = matrix.size() / bias.size();
  std::vector<float> pairs;
  for (std::size_t unit = 0; unit < bias.size(); ++unit) {
    pairs.push_back(int8_scale(matrix.subspan(unit * columns, columns)));
    pairs.push_back(bias[unit]);
  }
  text.add(c_table(name, std::span<const float>(pairs)));
}

void add_stack(const char* name, const DenseStack& stack, WeightForm form, std::span<const float>& rest,
               CText& text) {
  for (std::size_t i = 0; i < stack.layers(); ++i) {
    const std::size_t in = stack.in(i), out = stack.out(i);
    const std::string layer = fmt::format("@_{}{}", name, i + 1);
    const auto matrix = take(rest, in * out);
    add_weights(layer + "_weight", matrix, in, form, text);
    add_bias(layer + "_bias", take(rest, out), matrix, form, text);
    if (!stack.normalises(i)) continue;
    text.add(c_table(layer + "_gain", take(rest, out)));
    text.add(c_table(layer + "_shift", take(rest, out)));
  }
}

void add_memory(const GruShape& memory, WeightForm form, std::span<const float>& rest, CText& text) {
  const std::size_t rows = 3 * memory.units;
  const auto by_input = take(rest, rows * memory.in), by_memory = take(rest, rows * memory.units);
  add_weights("@_gru_weight_input", by_input, memory.in, form, text);
  add_weights("@_gru_weight_memory", by_memory, memory.units, form, text);
  add_bias("@_gru_bias_input", take(rest, rows), by_input, form, text);
  add_bias("@_gru_bias_memory", take(rest, rows), by_memory, form, text);
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
  add_stack("trunk", policy.shape.trunk_stack(), policy.form, rest, text);
  if (policy.has_memory()) add_memory(policy.shape.memory, policy.form, rest, text);
  add_stack("pi", policy.shape.policy_stack(), policy.form, rest, text);
  if (!policy.free.empty()) text.add(c_table("@_free", std::span<const float>(policy.free)));
  if (policy.normaliser.changes_observations()) {
    text.add(c_table("@_mean", policy.normaliser.means()));
    text.add(c_table("@_scale", policy.normaliser.scales()));
    text.line("#define @_CLIP {}", c_literal(policy.normaliser.clip()));
  }
  if (!policy.components.empty()) add_components(policy, text);
}

}  // namespace genkidama::run
