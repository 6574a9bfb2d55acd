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

void check_finite(const std::string& name, double value) {
  if (is_finite(value)) return;
  throw ArgumentError(fmt::format("cannot save {} as '{}'; expected a finite number", value, name));
}

}  // namespace

StateWriter::StateWriter(const ParameterLayout& layout, std::span<const float> weights)
    : values_(weights.begin(), weights.end()) {
  if (weights.size() != layout.size()) {
    throw ArgumentError(
        fmt::format("cannot save {} weights for a network of {}", weights.size(), layout.size()));
  }
  for (const TensorInfo& tensor : layout.tensors()) tensors_.push_back({tensor.name, tensor.shape});
}

std::span<float> StateWriter::floats(const std::string& name, const std::vector<std::int64_t>& shape) {
  std::size_t count = 1;
  for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
  if (count == 0) return {};
  tensors_.push_back({tensor_name(name), shape});
  values_.resize(values_.size() + count);
  return std::span(values_).last(count);
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
  Checkpoint result{ParameterLayout(tensors_), std::move(values_), std::move(metadata_)};
  *this = StateWriter();
  return result;
}

StateReader::StateReader(const Checkpoint& state, std::string source, const ParameterLayout& network)
    : state_(state), source_(std::move(source)) {
  for (const TensorInfo& tensor : state.layout.tensors()) {
    if (const std::string name = field_name(tensor.name); !name.empty()) floats_.emplace(name, &tensor);
  }
  for (const TensorInfo& tensor : network.tensors()) floats_.erase(field_name(tensor.name));
}

bool StateReader::has(const std::string& name) const {
  return state_.metadata.contains(name) || floats_.contains(name);
}

StateReader::Floats StateReader::floats(const std::string& name) const {
  const auto found = floats_.find(name);
  if (found == floats_.end()) return {};
  asked_.insert(name);
  const TensorInfo& tensor = *found->second;
  return {std::span(state_.weights).subspan(tensor.offset, tensor.count), tensor.shape};
}

std::span<const float> StateReader::floats(const std::string& name, std::size_t count) const {
  const auto values = floats(name).values;
  if (values.size() != count) {
    throw LayoutError(fmt::format(
        "{}: its '{}' has {} values; {} are expected: go on with the network, the optimizer and the "
        "algorithm that it was written with",
        source_, name, values.size(), count));
  }
  return values;
}

template <typename Number>
Number StateReader::number(const std::string& name) const {
  const auto field = state_.metadata.find(name);
  Number value{};
  if (field != state_.metadata.end() && parse(field->second, value)) return value;
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
  return state_.metadata.contains(name) ? u64(name) : otherwise;
}

std::vector<std::uint64_t> StateReader::u64s(const std::string& name) const {
  return numbers<std::uint64_t>(name);
}

double StateReader::f64(const std::string& name) const {
  return number<double>(name);
}

double StateReader::f64_or(const std::string& name, double otherwise) const {
  return state_.metadata.contains(name) ? f64(name) : otherwise;
}

std::vector<double> StateReader::f64s(const std::string& name) const {
  return numbers<double>(name);
}

std::string StateReader::text(const std::string& name) const {
  const auto field = state_.metadata.find(name);
  return field == state_.metadata.end() ? "" : field->second;
}

void StateReader::check_all_floats_read() const {
  for (const auto& [name, tensor] : floats_) {
    if (asked_.contains(name)) continue;
    throw LayoutError(
        fmt::format("{}: nothing here goes on from its '{}' {}: it was written with another network, "
                    "optimizer or algorithm, or by a later version",
                    source_, name, shape_text(tensor->shape)));
  }
}

std::vector<TensorInfo> StateReader::tensors() const {
  std::vector<TensorInfo> result;
  for (const TensorInfo& tensor : state_.layout.tensors()) {
    const auto field = floats_.find(field_name(tensor.name));
    if (field != floats_.end() && field->second == &tensor) result.push_back(tensor);
  }
  return result;
}

void StateReader::copy_to(StateWriter& state) const {
  for (const TensorInfo& tensor : tensors()) {
    const std::string name = field_name(tensor.name);
    const auto from = floats(name).values;
    const auto to = state.floats(name, tensor.shape);
    std::copy(from.begin(), from.end(), to.begin());
  }
  for (const auto& [name, value] : state_.metadata) state.text(name, value);
}

SavedState::SavedState(const Saveable& object) {
  StateWriter fields;
  object.save(fields);
  fields_ = fields.take();
}

void SavedState::restore(const StateReader& state) {
  StateWriter fields;
  state.copy_to(fields);
  fields_ = fields.take();
}

}  // namespace genkidama
