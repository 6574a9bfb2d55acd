#include "run/export/onnx_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "genkidama/core/utf8.h"
#include "run/export/onnx_graph.h"

namespace genkidama::run {
namespace {

constexpr const char* kRows = "N";

std::int64_t whole(std::size_t size) {
  return static_cast<std::int64_t>(size);
}

class Model {
 public:
  explicit Model(const PortablePolicy& policy) : policy_(policy), rest_(policy.weights) {}

  std::string bytes(const std::string& name) {
    graph_.input("observation", OnnxType::kFloat, {kRows, whole(policy_.observation_size())});
    const std::string input =
        memory(stack("trunk", policy_.shape.trunk_stack(), normalised("observation"), ""));
    stack("pi", policy_.shape.policy_stack(), input, "outputs");
    graph_.output("outputs", OnnxType::kFloat, {kRows, whole(policy_.output_size())});
    action();
    return graph_.model(name, {{"environment", to_utf8(policy_.environment)},
                               {"network", to_utf8(policy_.network)},
                               {"behaviour", to_utf8(policy_.behaviour)}});
  }

 private:
  std::string number(const std::string& name, float value) {
    return graph_.constant(name, {}, std::span<const float>(&value, 1));
  }
  std::string number(const std::string& name, double value) {
    return graph_.constant(name, {}, std::span<const double>(&value, 1));
  }

  /// In double precision, as the library does it.
  std::string normalised(const std::string& observation) {
    const Normaliser& normaliser = policy_.normaliser;
    if (!normaliser.changes_observations()) return observation;
    const auto size = whole(policy_.observation_size());
    const std::string distance = graph_.node("Sub", {graph_.cast(observation, OnnxType::kDouble),
                                                     graph_.constant("mean", {size}, normaliser.means())});
    const std::string scaled =
        graph_.node("Mul", {distance, graph_.constant("scale", {size}, normaliser.scales())});
    return graph_.cast(
        graph_.node("Clip", {scaled, number("least", -normaliser.clip()), number("most", normaliser.clip())}),
        OnnxType::kFloat, "normalised");
  }

  std::span<const float> take(std::size_t count) {
    const auto front = rest_.first(count);
    rest_ = rest_.subspan(count);
    return front;
  }

  /// input times the transpose of the weight [out, in], plus the bias. The free outputs are those of units
  /// without weights.
  std::string linear(const std::string& layer, const std::string& input, std::size_t in, std::size_t out,
                     bool has_free, const std::string& name) {
    const auto matrix = take(in * out), shift = take(out);
    const auto free = has_free ? std::span<const float>(policy_.free) : std::span<const float>();
    const PortableLayer all = layer_with_free(matrix, shift, free, in);
    return product(layer, input, in, all.weight, all.bias, name);
  }

  std::string product(const std::string& layer, const std::string& input, std::size_t in,
                      std::span<const float> weight, std::span<const float> bias, const std::string& name) {
    const std::string matrix = graph_.constant(layer + "_weight", {whole(bias.size()), whole(in)}, weight);
    return graph_.node("Gemm", {input, matrix, graph_.constant(layer + "_bias", {whole(bias.size())}, bias)},
                       {{"transB", std::int64_t{1}}}, name);
  }

  std::string stack(const char* title, const DenseStack& stack, std::string input, const char* result) {
    for (std::size_t i = 0; i < stack.layers(); ++i) {
      const bool is_last = i + 1 == stack.layers() && *result != '\0';
      const std::string layer = fmt::format("{}{}", title, i + 1);
      input = linear(layer, input, stack.in(i), stack.out(i), is_last && !policy_.free.empty(),
                     is_last ? result : layer);
      if (stack.normalises(i)) input = layer_norm(layer, input, stack.out(i));
      if (stack.activates(i)) input = activated(input);
    }
    return input;
  }

  std::string layer_norm(const std::string& layer, const std::string& input, std::size_t width) {
    const OnnxGraph::Attributes of_row{{"axes", std::vector<std::int64_t>{1}}, {"keepdims", std::int64_t{1}}};
    const std::string distance = graph_.node("Sub", {input, graph_.node("ReduceMean", {input}, of_row)});
    const std::string variance =
        graph_.node("ReduceMean", {graph_.node("Mul", {distance, distance})}, of_row);
    const std::string deviation =
        graph_.node("Sqrt", {graph_.node("Add", {variance, number(layer + "_epsilon", 1e-5f)})});
    const std::string gain = graph_.constant(layer + "_gain", {whole(width)}, take(width));
    const std::string shift = graph_.constant(layer + "_shift", {whole(width)}, take(width));
    return graph_.node("Add", {graph_.node("Mul", {graph_.node("Div", {distance, deviation}), gain}), shift});
  }

  std::string activated(const std::string& input) {
    switch (policy_.shape.style.activation) {
      case Activation::kTanh:
        return graph_.node("Tanh", {input});
      case Activation::kRelu:
        return graph_.node("Relu", {input});
      case Activation::kSilu:
        return graph_.node("Mul", {input, graph_.node("Sigmoid", {input})});
    }
    return input;
  }

  std::string memory(const std::string& input) {
    if (!policy_.has_memory()) return input;
    const GruShape& shape = policy_.shape.memory;
    const OnnxShape of_memory{kRows, whole(shape.units)};
    graph_.input("memory", OnnxType::kFloat, of_memory);
    graph_.output("next_memory", OnnxType::kFloat, of_memory);
    const std::size_t rows = 3 * shape.units;
    const auto by_input = take(rows * shape.in), by_memory = take(rows * shape.units);
    const auto input_bias = take(rows), memory_bias = take(rows);
    const std::vector<std::int64_t> sizes(3, whole(shape.units));
    const std::string split = graph_.constant("gates", sizes);
    const OnnxGraph::Attributes of_columns{{"axis", std::int64_t{1}}};
    const std::string from_input = product("gru_input", input, shape.in, by_input, input_bias, "");
    const std::string from_memory = product("gru_memory", "memory", shape.units, by_memory, memory_bias, "");
    graph_.node("Split", {from_input, split}, {"input_r", "input_z", "input_n"}, of_columns);
    graph_.node("Split", {from_memory, split}, {"memory_r", "memory_z", "memory_n"}, of_columns);
    const auto gate = [&](const char* one, const char* other) {
      return graph_.node("Sigmoid", {graph_.node("Add", {one, other})});
    };
    const std::string r = gate("input_r", "memory_r"), z = gate("input_z", "memory_z");
    const std::string n =
        graph_.node("Tanh", {graph_.node("Add", {"input_n", graph_.node("Mul", {r, "memory_n"})})});
    const std::string fresh = graph_.node("Mul", {graph_.node("Sub", {number("one", 1.0f), z}), n});
    return graph_.node("Add", {fresh, graph_.node("Mul", {z, "memory"})}, {}, "next_memory");
  }

  void action() {
    std::vector<std::string> parts;
    std::size_t first = 0;
    const std::size_t alternatives = policy_.actions.alternatives();
    if (alternatives > 0) {
      graph_.input("mask", OnnxType::kBool, {"M", whole(alternatives)});
      graph_.truths("mask", {1, whole(alternatives)});
    }
    for (const int count : policy_.actions.choices) {
      parts.push_back(choice(first, static_cast<std::size_t>(count)));
      first += static_cast<std::size_t>(count);
    }
    if (!policy_.components.empty()) parts.push_back(components());
    graph_.node("Concat", parts, {{"axis", std::int64_t{1}}}, "action");
    graph_.output("action", OnnxType::kFloat, {kRows, whole(policy_.actions.width())});
  }

  /// The first of the largest of the alternatives that the mask allows.
  std::string choice(std::size_t first, std::size_t count) {
    std::string values = "outputs", mask = "mask";
    const auto each = static_cast<std::size_t>(policy_.outputs_each);
    const bool is_all = count == policy_.actions.alternatives();
    if (!is_all || policy_.output_size() != count * each)
      values = graph_.columns(values, whole(first * each), whole(count * each));
    if (!is_all) mask = graph_.columns(mask, whole(first), whole(count));
    if (each > 1) {
      const std::vector<std::int64_t> rows{-1, whole(count), whole(each)};
      values = graph_.node("Reshape", {values, graph_.constant(fmt::format("alternatives_{}", first), rows)});
      const std::vector<std::int64_t> axis{2};
      values = graph_.node("ReduceSum", {values, graph_.constant(fmt::format("each_{}", first), axis)},
                           {{"keepdims", std::int64_t{0}}});
    }
    const std::string lowest =
        number(fmt::format("forbidden_{}", first), -std::numeric_limits<float>::infinity());
    const std::string best = graph_.node("ArgMax", {graph_.node("Where", {mask, values, lowest})},
                                         {{"axis", std::int64_t{1}}, {"keepdims", std::int64_t{1}}});
    return graph_.cast(best, OnnxType::kFloat);
  }

  /// What the environment is given for the means, computed in double precision.
  std::string components() {
    const auto count = whole(policy_.components.size());
    const ComponentColumns ranges = columns_of(policy_.components);
    std::string unit = graph_.cast(graph_.columns("outputs", whole(policy_.first_component_output()), count),
                                   OnnxType::kDouble);
    if (policy_.unit == ContinuousUnit::kTanh) unit = graph_.node("Tanh", {unit});
    const std::string scaled = graph_.node(
        "Mul", {unit, graph_.constant("half_range", {count}, std::span<const double>(ranges.half_range))});
    const std::string value = graph_.cast(
        graph_.node("Add",
                    {scaled, graph_.constant("centre", {count}, std::span<const double>(ranges.centre))}),
        OnnxType::kFloat);
    return graph_.node(
        "Min",
        {graph_.node("Max", {value, graph_.constant("low", {count}, std::span<const float>(ranges.low))}),
         graph_.constant("high", {count}, std::span<const float>(ranges.high))});
  }

  const PortablePolicy& policy_;
  OnnxGraph graph_;
  std::span<const float> rest_;  ///< weights that have not been taken yet
};

}  // namespace

std::string onnx_model(const PortablePolicy& policy, const std::string& name) {
  return Model(policy).bytes(name);
}

}  // namespace genkidama::run
