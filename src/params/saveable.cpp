#include "genkidama/params/saveable.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"

namespace genkidama {
namespace {

// States of the first version have it already: a network's own tensors keep their names beside these.
constexpr const char* kTensorPrefix = "genkidama.";

std::string tensor_name(const std::string& field) {
  return kTensorPrefix + field;
}

/// Empty when the tensor is no field.
std::string field_name(const std::string& tensor) {
  return tensor.starts_with(kTensorPrefix) ? tensor.substr(std::string_view(kTensorPrefix).size()) : "";
}

/// "1,2.5,-3".
template <typename Number>
std::string list_text(std::span<const Number> numbers) {
  std::string text;
  for (const Number number : numbers) text += fmt::format("{}{}", text.empty() ? "" : ",", number);
  return text;
}

template <typename Number>
bool parse(std::string_view text, Number& value) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return false;
  if constexpr (std::is_floating_point_v<Number>) return is_finite(value);
  return true;
}

std::size_t elements(const std::vector<std::int64_t>& shape) {
  std::size_t count = 1;
  for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
  return count;
}

void check_finite(const std::string& name, double value) {
  if (is_finite(value)) return;
  throw ArgumentError(fmt::format("cannot save {} as '{}'; expected a finite number", value, name));
}

}  // namespace

StateWriter::StateWriter(const ParameterLayout& layout, std::span<const float> weights)
    : StateWriter(referring_to(layout, weights)) {
  copy_what_is_referred_to();
}

void StateWriter::copy_what_is_referred_to() {
  for (Tensor& tensor : tensors_) {
    if (tensor.own.empty()) tensor.own.assign(tensor.others.begin(), tensor.others.end());
  }
}

StateWriter StateWriter::referring_to(const ParameterLayout& layout, std::span<const float> weights) {
  if (weights.size() != layout.size()) {
    throw ArgumentError(
        fmt::format("cannot save {} weights for a network of {}", weights.size(), layout.size()));
  }
  StateWriter state;
  for (const TensorInfo& tensor : layout.tensors()) {
    state.tensors_.push_back({tensor.name, tensor.shape, {}, weights.subspan(tensor.offset, tensor.count)});
  }
  return state;
}

std::span<float> StateWriter::floats(const std::string& name, const std::vector<std::int64_t>& shape) {
  const std::size_t count = elements(shape);
  if (count == 0) return {};
  tensors_.push_back({tensor_name(name), shape, std::vector<float>(count), {}});
  return tensors_.back().own;
}

void StateWriter::refer_to(const std::string& name, const std::vector<std::int64_t>& shape,
                           std::span<const float> values) {
  if (values.size() != elements(shape)) {
    throw ArgumentError(
        fmt::format("'{}' {} is given {} values of a state", name, shape_text(shape), values.size()));
  }
  if (!values.empty()) tensors_.push_back({tensor_name(name), shape, {}, values});
}

void StateWriter::floats(const std::string& name, std::span<const float> values) {
  const auto to = floats(name, {static_cast<std::int64_t>(values.size())});
  std::copy(values.begin(), values.end(), to.begin());
}

void StateWriter::u64(const std::string& name, std::uint64_t value) {
  text(name, fmt::format("{}", value));
}

void StateWriter::u64s(const std::string& name, std::span<const std::uint64_t> values) {
  if (!values.empty()) text(name, list_text(values));
}

void StateWriter::f64(const std::string& name, double value) {
  check_finite(name, value);
  text(name, fmt::format("{}", value));
}

void StateWriter::f64s(const std::string& name, std::span<const double> values) {
  for (const double value : values) check_finite(name, value);
  if (!values.empty()) text(name, list_text(values));
}

void StateWriter::text(const std::string& name, const std::string& value) {
  if (!metadata_.emplace(name, value).second) {
    throw ArgumentError(
        fmt::format("two parts of a state are called '{}'; give one of them another name", name));
  }
}

Checkpoint StateWriter::take() {
  Checkpoint result{layout(), {}, {}};
  result.weights.reserve(result.layout.size());
  for (Tensor& tensor : tensors_) {
    const auto values = tensor.values();
    result.weights.insert(result.weights.end(), values.begin(), values.end());
    tensor.own = {};
  }
  result.metadata = std::move(metadata_);
  *this = StateWriter();
  return result;
}

ParameterLayout StateWriter::layout() const {
  std::vector<ParameterLayout::Tensor> tensors;
  for (const Tensor& tensor : tensors_) tensors.push_back({tensor.name, tensor.shape});
  return ParameterLayout(tensors);
}

std::vector<std::span<const float>> StateWriter::values() const {
  std::vector<std::span<const float>> result;
  for (const Tensor& tensor : tensors_) result.push_back(tensor.values());
  return result;
}

StateReader::StateReader(const Checkpoint& state, std::string source, const ParameterLayout& network)
    : StateReader(state.metadata, std::move(source)) {
  std::set<std::string> of_network;
  for (const TensorInfo& tensor : network.tensors()) of_network.insert(tensor.name);
  for (const TensorInfo& tensor : state.layout.tensors()) {
    if (of_network.contains(tensor.name)) continue;
    add(tensor.name, tensor.shape, std::span(state.weights).subspan(tensor.offset, tensor.count));
  }
}

void StateReader::add(const std::string& tensor, const std::vector<std::int64_t>& shape,
                      std::span<const float> values) {
  if (std::string name = field_name(tensor); !name.empty())
    fields_.push_back({std::move(name), {values, shape}});
}

const StateReader::Field* StateReader::find(const std::string& name) const {
  for (const Field& field : fields_) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

bool StateReader::has(const std::string& name) const {
  return metadata_.contains(name) || find(name) != nullptr;
}

StateReader::Floats StateReader::floats(const std::string& name) const {
  const Field* field = find(name);
  if (field == nullptr) return {};
  asked_.insert(name);
  return field->floats;
}

std::span<const float> StateReader::floats(const std::string& name, std::size_t count) const {
  const auto values = floats(name).values;
  if (values.size() != count) {
    throw LayoutError(fmt::format(
        "{}: its '{}' has {} values; {} are expected: go on with the network, the optimizer and the "
        "algorithm that it was written with{}",
        source_, name, values.size(), count,
        // Whose gradients shards apply has no optimizer of its own.
        name == "optimizer_state" && (values.empty() || count == 0) ? ", and with shards as it was" : ""));
  }
  return values;
}

template <typename Number>
Number StateReader::number(const std::string& name) const {
  const auto field = metadata_.find(name);
  Number value{};
  if (field != metadata_.end() && parse(field->second, value)) return value;
  throw FormatError(
      fmt::format("{}: not the state of a run: its metadata has no number '{}'", source_, name));
}

template <typename Number>
std::vector<Number> StateReader::numbers(const std::string& name) const {
  std::vector<Number> result;
  const std::string list = text(name);
  if (list.empty()) return result;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    Number value{};
    if (!parse(std::string_view(list).substr(at, end - at), value)) {
      throw FormatError(fmt::format("{}: its metadata's '{}' is not a list of numbers", source_, name));
    }
    result.push_back(value);
    at = end + 1;
  }
  return result;
}

std::uint64_t StateReader::u64(const std::string& name) const {
  return number<std::uint64_t>(name);
}

std::uint64_t StateReader::u64_or(const std::string& name, std::uint64_t otherwise) const {
  return metadata_.contains(name) ? u64(name) : otherwise;
}

std::vector<std::uint64_t> StateReader::u64s(const std::string& name) const {
  return numbers<std::uint64_t>(name);
}

double StateReader::f64(const std::string& name) const {
  return number<double>(name);
}

double StateReader::f64_or(const std::string& name, double otherwise) const {
  return metadata_.contains(name) ? f64(name) : otherwise;
}

std::vector<double> StateReader::f64s(const std::string& name) const {
  return numbers<double>(name);
}

std::string StateReader::text(const std::string& name) const {
  const auto field = metadata_.find(name);
  return field == metadata_.end() ? "" : field->second;
}

void StateReader::check_all_floats_read() const {
  for (const Field& field : fields_) {
    if (asked_.contains(field.name)) continue;
    throw LayoutError(
        fmt::format("{}: nothing here goes on from its '{}' {}: it was written with another network, "
                    "optimizer or algorithm, or by a later version",
                    source_, field.name, shape_text(field.floats.shape)));
  }
}

std::vector<ParameterLayout::Tensor> StateReader::tensors() const {
  std::vector<ParameterLayout::Tensor> result;
  for (const Field& field : fields_) result.push_back({tensor_name(field.name), field.floats.shape});
  return result;
}

void StateReader::copy_to(StateWriter& state) const {
  for (const auto& [name, from] : fields_) {
    const auto to = state.floats(name, from.shape);
    std::copy(from.values.begin(), from.values.end(), to.begin());
  }
  for (const auto& [name, value] : metadata_) state.text(name, value);
}

SavedState::SavedState(const Saveable& object) {
  object.save(fields_);
  fields_.layout();                    // which refuses names that no file could have
  fields_.copy_what_is_referred_to();  // the object goes on
}

void SavedState::save(StateWriter& state) const {
  for (const auto& [name, from] : reader().fields_) state.refer_to(name, from.shape, from.values);
  for (const auto& [name, value] : fields_.metadata_) state.text(name, value);
}

void SavedState::restore(const StateReader& state) {
  StateWriter fields;
  state.copy_to(fields);
  fields_ = std::move(fields);
}

StateReader SavedState::reader() const {
  StateReader reader(fields_.metadata_, "a state in memory");
  for (const StateWriter::Tensor& tensor : fields_.tensors_)
    reader.add(tensor.name, tensor.shape, tensor.values());
  return reader;
}

}  // namespace genkidama
