#include "run/export/onnx_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>

#include "genkidama/core/version.h"

namespace genkidama::run {
namespace {

// The version of the format that came with the set of operators.
constexpr std::uint64_t kFormat = 7, kOperators = 13;

namespace model_field {
constexpr unsigned kFormat = 1, kProducer = 2, kProducerVersion = 3, kGraph = 7, kOperators = 8, kNotes = 14;
}
namespace graph_field {
constexpr unsigned kNode = 1, kName = 2, kConstant = 5, kInput = 11, kOutput = 12;
}
namespace node_field {
constexpr unsigned kInput = 1, kOutput = 2, kName = 3, kOperator = 4, kAttribute = 5;
}
namespace attribute_field {
constexpr unsigned kName = 1, kWhole = 3, kWholes = 8, kType = 20;
constexpr std::uint64_t kIsWhole = 2, kIsWholes = 7;
}  // namespace attribute_field
namespace tensor_field {
constexpr unsigned kSize = 1, kType = 2, kName = 8, kBytes = 9;
}

MessageBytes shape_message(const OnnxShape& shape) {
  MessageBytes message;
  for (const OnnxDimension& dimension : shape) {
    MessageBytes size;
    if (const auto* number = std::get_if<std::int64_t>(&dimension)) {
      size.whole(1, static_cast<std::uint64_t>(*number));
    } else {
      size.text(2, std::get<std::string>(dimension));
    }
    message.message(1, size);
  }
  return message;
}

/// A ValueInfoProto.
MessageBytes value(const std::string& name, OnnxType type, const OnnxShape& shape) {
  MessageBytes tensor, of_type;
  tensor.whole(1, static_cast<std::uint64_t>(type)).message(2, shape_message(shape));
  of_type.message(1, tensor);
  MessageBytes message;
  message.text(1, name).message(2, of_type);
  return message;
}

MessageBytes attribute_message(const OnnxGraph::Attributes::value_type& attribute) {
  MessageBytes message;
  message.text(attribute_field::kName, attribute.first);
  if (const auto* whole = std::get_if<std::int64_t>(&attribute.second)) {
    message.whole(attribute_field::kWhole, static_cast<std::uint64_t>(*whole));
    message.whole(attribute_field::kType, attribute_field::kIsWhole);
    return message;
  }
  for (const std::int64_t whole : std::get<std::vector<std::int64_t>>(attribute.second))
    message.whole(attribute_field::kWholes, static_cast<std::uint64_t>(whole));
  message.whole(attribute_field::kType, attribute_field::kIsWholes);
  return message;
}

template <typename Unsigned, typename T>
std::string bytes_of(std::span<const T> values) {
  std::string bytes;
  bytes.reserve(values.size() * sizeof(T));
  for (const T value : values) bytes += little_endian_text(std::bit_cast<Unsigned>(value));
  return bytes;
}

}  // namespace

void OnnxGraph::input(const std::string& name, OnnxType type, const OnnxShape& shape) {
  inputs_.message(graph_field::kInput, value(name, type, shape));
}

void OnnxGraph::output(const std::string& name, OnnxType type, const OnnxShape& shape) {
  outputs_.message(graph_field::kOutput, value(name, type, shape));
}

void OnnxGraph::add_constant(const std::string& name, OnnxType type, const std::vector<std::int64_t>& shape,
                             const std::string& bytes) {
  MessageBytes tensor;
  for (const std::int64_t size : shape) tensor.whole(tensor_field::kSize, static_cast<std::uint64_t>(size));
  tensor.whole(tensor_field::kType, static_cast<std::uint64_t>(type));
  tensor.text(tensor_field::kName, name).text(tensor_field::kBytes, bytes);
  constants_.message(graph_field::kConstant, tensor);
}

std::string OnnxGraph::constant(const std::string& name, const std::vector<std::int64_t>& shape,
                                std::span<const float> values) {
  add_constant(name, OnnxType::kFloat, shape, bytes_of<std::uint32_t>(values));
  return name;
}

std::string OnnxGraph::constant(const std::string& name, const std::vector<std::int64_t>& shape,
                                std::span<const double> values) {
  add_constant(name, OnnxType::kDouble, shape, bytes_of<std::uint64_t>(values));
  return name;
}

std::string OnnxGraph::constant(const std::string& name, std::span<const std::int64_t> values) {
  add_constant(name, OnnxType::kInt64, {static_cast<std::int64_t>(values.size())},
               bytes_of<std::uint64_t>(values));
  return name;
}

std::string OnnxGraph::truths(const std::string& name, const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  add_constant(name, OnnxType::kBool, shape, std::string(static_cast<std::size_t>(count), '\1'));
  return name;
}

std::string OnnxGraph::fresh(const std::string& op) {
  std::string name = op;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return fmt::format("{}_{}", name, ++count_);
}

std::string OnnxGraph::node(const std::string& op, const std::vector<std::string>& inputs,
                            const Attributes& attributes, const std::string& name) {
  const std::string output = name.empty() ? fresh(op) : name;
  node(op, inputs, std::vector{output}, attributes);
  return output;
}

void OnnxGraph::node(const std::string& op, const std::vector<std::string>& inputs,
                     const std::vector<std::string>& outputs, const Attributes& attributes) {
  MessageBytes message;
  for (const std::string& input : inputs) message.text(node_field::kInput, input);
  for (const std::string& output : outputs) message.text(node_field::kOutput, output);
  message.text(node_field::kName, "make_" + outputs.front()).text(node_field::kOperator, op);
  for (const auto& attribute : attributes)
    message.message(node_field::kAttribute, attribute_message(attribute));
  nodes_.message(graph_field::kNode, message);
}

std::string OnnxGraph::cast(const std::string& from, OnnxType type, const std::string& name) {
  return node("Cast", {from}, {{"to", static_cast<std::int64_t>(type)}}, name);
}

std::string OnnxGraph::columns(const std::string& from, std::int64_t first, std::int64_t count) {
  const std::string name = fresh("columns");
  const auto whole = [&](const char* what, std::int64_t number) {
    return constant(fmt::format("{}_{}", name, what), std::span(&number, 1));
  };
  return node("Slice", {from, whole("start", first), whole("end", first + count), whole("axis", 1)}, {},
              name);
}

std::string OnnxGraph::model(const std::string& name, const std::map<std::string, std::string>& notes) const {
  // One message may come in parts, and so the parts may stand one after the other.
  MessageBytes title;
  title.text(graph_field::kName, name);
  const std::string graph =
      nodes_.bytes() + title.bytes() + constants_.bytes() + inputs_.bytes() + outputs_.bytes();
  MessageBytes operators;
  operators.text(1, "").whole(2, kOperators);
  MessageBytes model;
  model.whole(model_field::kFormat, kFormat)
      .text(model_field::kProducer, "genkidama")
      .text(model_field::kProducerVersion, kVersion)
      .text(model_field::kGraph, graph)
      .message(model_field::kOperators, operators);
  for (const auto& [key, note] : notes) {
    MessageBytes entry;
    entry.text(1, key).text(2, note);
    model.message(model_field::kNotes, entry);
  }
  return model.bytes();
}

}  // namespace genkidama::run
