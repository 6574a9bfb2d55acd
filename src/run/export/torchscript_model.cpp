#include "run/export/torchscript_model.h"

#include <fmt/format.h>

#include <span>
#include <string>
#include <vector>

#include "run/export/torchscript_archive.h"

namespace genkidama::run {
namespace {

// c10::ScalarType, which the files have as numbers.
constexpr int kFloat = 6, kDouble = 7;

std::int64_t whole(std::size_t size) {
  return static_cast<std::int64_t>(size);
}

class Module {
 public:
  explicit Module(const PortablePolicy& policy) : policy_(policy), rest_(policy.weights) {}

  std::string bytes() {
    std::string inputs = "observation: Tensor", results = "outputs, action", types = "Tensor, Tensor";
    if (policy_.has_memory()) {
      inputs += ",\n    memory: Tensor";
      results += ", next_memory";
      types += ", Tensor";
    }
    if (!policy_.actions.choices.empty()) inputs += ",\n    mask: Optional[Tensor]=None";
    const std::string features =
        memory(stack("trunk", policy_.shape.trunk_stack(), normalised("observation")));
    line("outputs = {}", stack("pi", policy_.shape.policy_stack(), features));
    action();
    line("return ({})", results);
    return archive_.bytes(fmt::format("  def forward(self: __torch__.Policy,\n    {}) -> Tuple[{}]:\n{}",
                                      inputs, types, body_));
  }

 private:
  template <typename... Values>
  void line(fmt::format_string<Values...> format, Values&&... values) {
    body_ += "    " + fmt::format(format, std::forward<Values>(values)...) + "\n";
  }
  /// A value of its own, which is named.
  template <typename... Values>
  std::string value(fmt::format_string<Values...> format, Values&&... values) {
    const std::string name = fmt::format("x{}", ++count_);
    line("{} = {}", name, fmt::format(format, std::forward<Values>(values)...));
    return name;
  }

  template <typename Number>
  std::string constant(const std::string& name, const std::vector<std::int64_t>& shape,
                       std::span<const Number> values) {
    archive_.tensor(name, shape, values);
    return "self." + name;
  }

  std::span<const float> take(std::size_t count) {
    const auto front = rest_.first(count);
    rest_ = rest_.subspan(count);
    return front;
  }

  std::string cast(const std::string& from, int type) { return value("torch.to({}, {})", from, type); }

  /// In double precision, as the library does it.
  std::string normalised(const std::string& observation) {
    const Normaliser& normaliser = policy_.normaliser;
    if (!normaliser.changes_observations()) return observation;
    const std::vector<std::int64_t> size{whole(policy_.observation_size())};
    const std::string mean = constant("mean", size, std::span<const double>(normaliser.means()));
    const std::string scale = constant("scale", size, std::span<const double>(normaliser.scales()));
    const std::string scaled =
        value("torch.mul(torch.sub({}, {}), {})", cast(observation, kDouble), mean, scale);
    return cast(
        fmt::format("torch.clamp({}, {:.17g}, {:.17g})", scaled, -normaliser.clip(), normaliser.clip()),
        kFloat);
  }

  std::string product(const std::string& layer, const std::string& input, std::size_t in,
                      std::span<const float> weight, std::span<const float> bias) {
    const std::string matrix = constant(layer + "_weight", {whole(bias.size()), whole(in)}, weight);
    return value("torch.linear({}, {}, {})", input, matrix,
                 constant(layer + "_bias", {whole(bias.size())}, bias));
  }

  /// The free outputs are those of units without weights.
  std::string linear(const std::string& layer, const std::string& input, std::size_t in, std::size_t out,
                     bool has_free) {
    const auto matrix = take(in * out), shift = take(out);
    const auto free = has_free ? std::span<const float>(policy_.free) : std::span<const float>();
    const PortableLayer all = layer_with_free(matrix, shift, free, in);
    return product(layer, input, in, all.weight, all.bias);
  }

  std::string stack(const char* title, const DenseStack& stack, std::string input) {
    const bool is_policy = title == std::string_view("pi");
    for (std::size_t i = 0; i < stack.layers(); ++i) {
      const std::string layer = fmt::format("{}{}", title, i + 1);
      const bool has_free = is_policy && i + 1 == stack.layers() && !policy_.free.empty();
      input = linear(layer, input, stack.in(i), stack.out(i), has_free);
      if (stack.normalises(i)) input = layer_norm(layer, input, stack.out(i));
      if (stack.activates(i)) input = activated(input);
    }
    return input;
  }

  std::string layer_norm(const std::string& layer, const std::string& input, std::size_t width) {
    const std::vector<std::int64_t> size{whole(width)};
    const std::string gain = constant(layer + "_gain", size, take(width));
    const std::string shift = constant(layer + "_shift", size, take(width));
    return value("torch.layer_norm({}, [{}], {}, {}, 1e-05)", input, width, gain, shift);
  }

  std::string activated(const std::string& input) {
    switch (policy_.shape.style.activation) {
      case Activation::kTanh:
        return value("torch.tanh({})", input);
      case Activation::kRelu:
        return value("torch.relu({})", input);
      case Activation::kSilu:
        return value("torch.mul({0}, torch.sigmoid({0}))", input);
    }
    return input;
  }

  std::string memory(const std::string& input) {
    if (!policy_.has_memory()) return input;
    const GruShape& shape = policy_.shape.memory;
    const std::size_t rows = 3 * shape.units;
    const auto by_input = take(rows * shape.in), by_memory = take(rows * shape.units);
    const auto input_bias = take(rows), memory_bias = take(rows);
    // LibTorch's cell has the same gates in the same order.
    const std::string matrix = constant("gru_input_weight", {whole(rows), whole(shape.in)}, by_input);
    const std::string other = constant("gru_memory_weight", {whole(rows), whole(shape.units)}, by_memory);
    const std::string bias = constant("gru_input_bias", {whole(rows)}, input_bias);
    const std::string other_bias = constant("gru_memory_bias", {whole(rows)}, memory_bias);
    line("next_memory = torch.gru_cell({}, memory, {}, {}, {}, {})", input, matrix, other, bias, other_bias);
    return "next_memory";
  }

  void action() {
    std::vector<std::string> parts;
    if (!policy_.actions.choices.empty()) {
      archive_.truths("all", {1, whole(policy_.actions.alternatives())});
      line("if mask is None:");
      line("  allowed = self.all");
      line("else:");
      line("  allowed = mask");
    }
    std::size_t first = 0;
    for (const int count : policy_.actions.choices) {
      parts.push_back(choice(first, static_cast<std::size_t>(count)));
      first += static_cast<std::size_t>(count);
    }
    if (!policy_.components.empty()) parts.push_back(components());
    line("action = torch.cat([{}], 1)", fmt::join(parts, ", "));
  }

  std::string columns(const std::string& from, std::size_t first, std::size_t count) {
    return value("torch.slice({}, 1, {}, {})", from, first, first + count);
  }

  /// The first of the largest of the alternatives that the mask allows.
  std::string choice(std::size_t first, std::size_t count) {
    const auto each = static_cast<std::size_t>(policy_.outputs_each);
    std::string values = columns("outputs", first * each, count * each);
    if (each > 1) values = value("torch.sum(torch.reshape({}, [-1, {}, {}]), [2])", values, count, each);
    const std::string forbidden = value("torch.logical_not({})", columns("allowed", first, count));
    const std::string open =
        value("torch.masked_fill({}, torch.expand_as({}, {}), -inf)", values, forbidden, values);
    return cast(value("torch.argmax({}, 1, True)", open), kFloat);
  }

  /// What the environment is given for the means, computed in double precision.
  std::string components() {
    const std::vector<std::int64_t> size{whole(policy_.components.size())};
    const ComponentColumns ranges = columns_of(policy_.components);
    std::string unit =
        cast(columns("outputs", policy_.first_component_output(), policy_.components.size()), kDouble);
    if (policy_.unit == ContinuousUnit::kTanh) unit = value("torch.tanh({})", unit);
    const std::string scaled = value("torch.add(torch.mul({}, {}), {})", unit,
                                     constant("half_range", size, std::span<const double>(ranges.half_range)),
                                     constant("centre", size, std::span<const double>(ranges.centre)));
    return value("torch.minimum(torch.maximum({}, {}), {})", cast(scaled, kFloat),
                 constant("low", size, std::span<const float>(ranges.low)),
                 constant("high", size, std::span<const float>(ranges.high)));
  }

  const PortablePolicy& policy_;
  TorchscriptArchive archive_;
  std::string body_;
  int count_ = 0;
  std::span<const float> rest_;  ///< weights that have not been taken yet
};

}  // namespace

std::string torchscript_model(const PortablePolicy& policy) {
  return Module(policy).bytes();
}

}  // namespace genkidama::run
