#include "params/checkpoint_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"

namespace genkidama {
namespace {

using TensorsByName = std::map<std::string, const TensorInfo*, std::less<>>;

/// A network with noisy layers has more tensors than one without, and nothing else tells them apart.
std::string named(const TensorInfo& tensor) {
  const bool is_noise = tensor.name.ends_with(".weight_sigma") || tensor.name.ends_with(".bias_sigma");
  return fmt::format("tensor '{}' {}{}", tensor.name, shape_text(tensor.shape),
                     is_noise ? " (a noisy layer's, --noisy-layers)" : "");
}

TensorsByName by_name(const ParameterLayout& layout) {
  TensorsByName result;
  for (const TensorInfo& tensor : layout.tensors()) result.emplace(tensor.name, &tensor);
  return result;
}

}  // namespace

void check_same_tensors(const std::filesystem::path& path, const ParameterLayout& wanted,
                        const ParameterLayout& given) {
  const auto fail = [&path](const std::string& reason) {
    throw LayoutError(fmt::format("'{}' is a checkpoint of another network: {}", path.string(), reason));
  };
  const TensorsByName in_file = by_name(given);
  for (const TensorInfo& tensor : wanted.tensors()) {
    const auto found = in_file.find(tensor.name);
    if (found == in_file.end()) {
      fail(fmt::format("it has no {}", named(tensor)));
    } else if (found->second->shape != tensor.shape) {
      fail(fmt::format("its tensor '{}' is {}, the network's is {}", tensor.name,
                       shape_text(found->second->shape), shape_text(tensor.shape)));
    }
  }
  const TensorsByName in_network = by_name(wanted);
  for (const TensorInfo& tensor : given.tensors()) {
    if (!in_network.contains(tensor.name)) {
      fail(fmt::format("its {} is not in the network", named(tensor)));
    }
  }
}

Checkpoint in_layout(const std::filesystem::path& path, Checkpoint read, const ParameterLayout& layout) {
  check_same_tensors(path, layout, read.layout);
  if (read.layout == layout) return read;
  const TensorsByName given = by_name(read.layout);
  std::vector<float> ordered(layout.size());
  for (const TensorInfo& tensor : layout.tensors()) {
    const auto from =
        read.weights.begin() + static_cast<std::ptrdiff_t>(given.find(tensor.name)->second->offset);
    std::copy_n(from, tensor.count, ordered.begin() + static_cast<std::ptrdiff_t>(tensor.offset));
  }
  return {layout, std::move(ordered), std::move(read.metadata)};
}

}  // namespace genkidama
