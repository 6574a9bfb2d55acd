#include "nn/bundled_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <map>

#include "core/take_word.h"

namespace genkidama {
namespace {

constexpr std::string_view kMlp = "mlp", kShared = "shared", kLayerNorm = "layer-norm", kGru = "gru";

std::optional<int> units_of(std::string_view word) {
  int units = 0;
  const auto result = std::from_chars(word.data(), word.data() + word.size(), units);
  if (result.ec != std::errc() || result.ptr != word.data() + word.size() || units < 1) return {};
  return units;
}

using ShapesByName = std::map<std::string, std::vector<std::int64_t>>;

ShapesByName shapes_of(const ParameterLayout& layout) {
  ShapesByName shapes;
  for (const TensorInfo& tensor : layout.tensors()) shapes.emplace(tensor.name, tensor.shape);
  return shapes;
}

bool is_matrix(const std::vector<std::int64_t>& shape) {
  constexpr std::int64_t kMost = std::numeric_limits<int>::max();
  return shape.size() == 2 && shape[0] <= kMost && shape[1] <= kMost;
}

}  // namespace

std::string mlp_description(const MlpOptions& options) {
  std::string text(kMlp);
  for (const int units : options.hidden) text += fmt::format(" {}", units);
  text += fmt::format(" {}", activation_name(options.activation));
  if (options.shared_trunk) text += fmt::format(" {}", kShared);
  if (options.layer_norm) text += fmt::format(" {}", kLayerNorm);
  if (options.memory > 0) text += fmt::format(" {} {}", kGru, options.memory);
  return text;
}

NetworkFactory bundled_network(std::string_view description) {
  std::string_view rest = description;
  if (take_word(rest) != kMlp) return {};
  MlpOptions options;
  options.hidden.clear();
  std::string_view word = take_word(rest);
  auto activation = activation_of(word);
  for (; !activation; activation = activation_of(word)) {
    const auto units = units_of(word);
    if (!units) return {};
    options.hidden.push_back(*units);
    word = take_word(rest);
  }
  options.activation = *activation;
  word = take_word(rest);
  options.shared_trunk = word == kShared;
  if (options.shared_trunk) word = take_word(rest);
  options.layer_norm = word == kLayerNorm;
  if (options.layer_norm) word = take_word(rest);
  if (word == kGru) options.memory = units_of(take_word(rest)).value_or(0);
  // Whatever else is in the text, a space at its end included, belongs to another description.
  return mlp_description(options) == description ? mlp_network(options) : NetworkFactory();
}

std::optional<RecognisedNetwork> recognise_bundled_network(const ParameterLayout& layout) {
  const ShapesByName shapes = shapes_of(layout);
  std::vector<int> sizes;  // of the policy's layers, input first
  for (int i = 1;; ++i) {
    const auto layer = shapes.find(fmt::format("pi{}.weight", i));
    if (layer == shapes.end()) break;
    const std::vector<std::int64_t>& shape = layer->second;
    if (!is_matrix(shape) || (!sizes.empty() && shape[1] != sizes.back())) return {};
    if (sizes.empty()) sizes.push_back(static_cast<int>(shape[1]));
    sizes.push_back(static_cast<int>(shape[0]));
  }
  if (sizes.size() < 2) return {};
  const MlpOptions options{.hidden = std::vector<int>(sizes.begin() + 1, sizes.end() - 1)};
  const NetworkSpec spec{{sizes.front()}, sizes.back(), 1};
  if (shapes_of(mlp_network(options)(spec, 0)->layout()) != shapes) return {};
  return RecognisedNetwork{mlp_description(options), spec};
}

}  // namespace genkidama
