#include "genkidama/params/parameter_layout.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "genkidama/core/error.h"

namespace genkidama {
namespace {

constexpr std::size_t kMaxNameBytes = 256;
constexpr std::size_t kMaxDimensions = 8;

void check_name(std::size_t index, const std::string& name) {
  // A name that is not printable is not printed either: it may come from a peer.
  if (name.empty())
    throw ArgumentError(fmt::format("tensor {} has no name; give each tensor a unique one", index));
  if (name.size() > kMaxNameBytes) {
    throw ArgumentError(fmt::format("the name of tensor {} has {} bytes; at most {} are allowed", index,
                                    name.size(), kMaxNameBytes));
  }
  if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= 0x20 && c <= 0x7e; })) {
    throw ArgumentError(fmt::format("the name of tensor {} is not printable ASCII", index));
  }
}

std::size_t count_elements(std::size_t index, const ParameterLayout::Tensor& tensor) {
  if (tensor.shape.size() > kMaxDimensions) {
    throw ArgumentError(fmt::format("tensor {} '{}' has {} dimensions; at most {} are allowed", index,
                                    tensor.name, tensor.shape.size(), kMaxDimensions));
  }
  std::size_t count = 1;
  for (const std::int64_t dimension : tensor.shape) {
    if (dimension < 1) {
      throw ArgumentError(fmt::format("tensor {} '{}' has shape {}; every dimension must be at least 1",
                                      index, tensor.name, shape_text(tensor.shape)));
    }
    if (static_cast<std::uint64_t>(dimension) > ParameterLayout::kMaxElements / count) {
      throw ArgumentError(
          fmt::format("tensor {} '{}' has shape {}; all tensors together may have {} elements", index,
                      tensor.name, shape_text(tensor.shape), ParameterLayout::kMaxElements));
    }
    count *= static_cast<std::size_t>(dimension);
  }
  return count;
}

/// Fixed-width little-endian, so that the hash is the same on every platform.
void append_u64(std::string& bytes, std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<char>((value >> shift) & 0xff));
}

std::string describe(const std::vector<TensorInfo>& tensors, std::size_t index) {
  if (index >= tensors.size()) return "missing";
  return fmt::format("'{}' {}", tensors[index].name, shape_text(tensors[index].shape));
}

}  // namespace

ParameterLayout::ParameterLayout(const std::vector<Tensor>& tensors) {
  std::set<std::string_view> names;
  std::string bytes;
  tensors_.reserve(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& tensor = tensors[i];
    check_name(i, tensor.name);
    if (!names.insert(tensor.name).second) {
      throw ArgumentError(fmt::format("tensor {} is a second '{}'; names must be unique", i, tensor.name));
    }
    const std::size_t count = count_elements(i, tensor);
    if (count > kMaxElements - size_) {
      throw ArgumentError(fmt::format("with tensor {} '{}' {} there are {} elements; at most {} are allowed",
                                      i, tensor.name, shape_text(tensor.shape), size_ + count, kMaxElements));
    }
    tensors_.push_back({tensor.name, tensor.shape, size_, count});
    size_ += count;

    append_u64(bytes, tensor.name.size());
    bytes += tensor.name;
    append_u64(bytes, tensor.shape.size());
    for (const std::int64_t dimension : tensor.shape)
      append_u64(bytes, static_cast<std::uint64_t>(dimension));
  }
  hash_ = XXH3_64bits(bytes.data(), bytes.size());
}

std::optional<std::string> ParameterLayout::difference(const ParameterLayout& other, std::string_view own,
                                                       std::string_view others) const {
  const std::size_t longer = std::max(tensors_.size(), other.tensors_.size());
  for (std::size_t i = 0; i < longer; ++i) {
    if (i < tensors_.size() && i < other.tensors_.size() && tensors_[i].name == other.tensors_[i].name &&
        tensors_[i].shape == other.tensors_[i].shape) {
      continue;
    }
    return fmt::format("tensor {} is {} {} and {} {}", i, describe(tensors_, i), own,
                       describe(other.tensors_, i), others);
  }
  return std::nullopt;
}

std::string element_text(const ParameterLayout& layout, std::size_t index) {
  for (const TensorInfo& tensor : layout.tensors()) {
    if (index - tensor.offset < tensor.count) {
      return fmt::format("weight {} (tensor '{}', element {})", index, tensor.name, index - tensor.offset);
    }
  }
  return fmt::format("weight {}", index);
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const std::int64_t dimension : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(dimension);
  }
  return text + "]";
}

}  // namespace genkidama
