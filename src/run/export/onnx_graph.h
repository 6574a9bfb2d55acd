#pragma once

/// @file
/// An ONNX model in the making: its nodes, its constants, and what goes in and comes out. The fields are
/// those of onnx.proto (https://github.com/onnx/onnx/blob/v1.8.0/onnx/onnx.proto).

#include <cstdint>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/message_bytes.h"

namespace genkidama::run {

/// TensorProto.DataType.
enum class OnnxType { kFloat = 1, kInt64 = 7, kBool = 9, kDouble = 11 };

/// A dimension of a tensor: its size, or the name of a size that whoever runs the model chooses.
using OnnxDimension = std::variant<std::int64_t, std::string>;
using OnnxShape = std::vector<OnnxDimension>;

class OnnxGraph {
 public:
  /// A whole number, or several of them.
  using Attributes =
      std::vector<std::pair<std::string, std::variant<std::int64_t, std::vector<std::int64_t>>>>;

  void input(const std::string& name, OnnxType type, const OnnxShape& shape);
  void output(const std::string& name, OnnxType type, const OnnxShape& shape);

  /// Each returns the name, which is that of a tensor.
  std::string constant(const std::string& name, const std::vector<std::int64_t>& shape,
                       std::span<const float> values);
  std::string constant(const std::string& name, const std::vector<std::int64_t>& shape,
                       std::span<const double> values);
  std::string constant(const std::string& name, std::span<const std::int64_t> values);
  /// All true.
  std::string truths(const std::string& name, const std::vector<std::int64_t>& shape);

  /// Adds a node with one output, which it returns: `name`, or one that is made up where that is empty.
  std::string node(const std::string& op, const std::vector<std::string>& inputs,
                   const Attributes& attributes = {}, const std::string& name = "");
  /// Adds a node with these outputs.
  void node(const std::string& op, const std::vector<std::string>& inputs,
            const std::vector<std::string>& outputs, const Attributes& attributes);
  std::string cast(const std::string& from, OnnxType type, const std::string& name = "");
  /// Columns `first` to `first` + `count` of a matrix.
  std::string columns(const std::string& from, std::int64_t first, std::int64_t count);

  /// The file's bytes, of a graph with this name. `notes` become the model's metadata.
  std::string model(const std::string& name, const std::map<std::string, std::string>& notes) const;

 private:
  void add_constant(const std::string& name, OnnxType type, const std::vector<std::int64_t>& shape,
                    const std::string& bytes);
  std::string fresh(const std::string& op);

  MessageBytes nodes_, constants_, inputs_, outputs_;
  int count_ = 0;
};

}  // namespace genkidama::run
