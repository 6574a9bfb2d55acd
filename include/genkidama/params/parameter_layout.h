#pragma once

/// @file
/// The tensors that make up a network's flat weights, and their order.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// One tensor of a network. Elements are float32 in row-major order.
struct TensorInfo {
  std::string name;                 ///< as in PyTorch's state_dict, e.g. "pi1.weight"
  std::vector<std::int64_t> shape;  ///< every dimension >= 1; empty for a scalar
  std::size_t offset = 0;           ///< index of the first element in the flat weights
  std::size_t count = 0;            ///< number of elements
};

/// Names and shapes of a network's tensors, in the order in which their elements follow one another in the
/// flat weights. Two processes may exchange weights only when their layouts are equal. Immutable.
class ParameterLayout {
 public:
  /// A tensor as given to the constructor; fields as in TensorInfo.
  struct Tensor {
    std::string name;                 ///< as in PyTorch's state_dict
    std::vector<std::int64_t> shape;  ///< every dimension >= 1
  };

  /// Makes a layout without tensors.
  ParameterLayout() = default;

  /// Throws ArgumentError, naming the tensor, when a name is empty, not printable ASCII, longer than 256
  /// bytes or repeated, a dimension is below 1, there are more than 8 dimensions, or the total exceeds
  /// kMaxElements.
  explicit ParameterLayout(const std::vector<Tensor>& tensors);

  /// 2^31 elements: 8 GiB of float32.
  static constexpr std::size_t kMaxElements = std::size_t{1} << 31;

  /// The tensors in the order of their elements.
  const std::vector<TensorInfo>& tensors() const { return tensors_; }
  /// The number of float32 elements in all tensors.
  std::size_t size() const { return size_; }
  /// The XXH3-64 of names and shapes in order. It is the same on every platform.
  std::uint64_t hash() const { return hash_; }

  /// Returns nothing when the layouts are equal, else a sentence that names the first tensor that differs:
  /// "tensor 2 is 'pi2.weight' [4, 128] here and 'pi2.weight' [4, 64] there". Of two peers, `own` and
  /// `others` say whose the two are instead.
  std::optional<std::string> difference(const ParameterLayout& other, std::string_view own = "here",
                                        std::string_view others = "there") const;

  /// Whether names, shapes and order are the same.
  friend bool operator==(const ParameterLayout& a, const ParameterLayout& b) { return !a.difference(b); }

 private:
  std::vector<TensorInfo> tensors_;
  std::size_t size_ = 0;
  std::uint64_t hash_ = 0x2D06800538D394C2u;  // XXH3-64 of nothing
};

/// Describes an index into the flat weights: "weight 513 (tensor 'pi1.bias', element 1)"; outside: "weight
/// 513".
std::string element_text(const ParameterLayout& layout, std::size_t index);

/// Formats a shape, for instance as "[4, 128]".
std::string shape_text(const std::vector<std::int64_t>& shape);

}  // namespace genkidama
