#include "params/safetensors_sax.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace genkidama {
namespace {

// More than any layout allows: the layout's own check then gives the reason.
constexpr std::size_t kMaxDimensions = 64;
constexpr std::size_t kMaxNameBytes = 256;

bool printable(char c) {
  return c >= 0x20 && c <= 0x7e;
}

/// Text from the file, fit for an error message.
std::string in_quotes(const std::string& text) {
  constexpr std::size_t kShown = 64;
  std::string shown = text.substr(0, kShown);
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return !printable(c); }, '?');
  return fmt::format("'{}'{}", shown, text.size() > kShown ? "..." : "");
}

}  // namespace

bool SafetensorsSax::fail(std::string error) {
  error_ = std::move(error);
  return false;
}

std::string SafetensorsSax::where() const {
  switch (place_) {
    case Place::kStart:
    case Place::kTop:
    case Place::kEnd:
      return "the header";
    case Place::kMetadataValue:
    case Place::kMetadata:
    case Place::kMetadataText:
      return "the header's " + kSafetensorsMetadataKey;
    default:
      return "the header's entry of tensor " + in_quotes(entries_.back().name);
  }
}

bool SafetensorsSax::unexpected(const char* what) {
  const char* expected = "";
  switch (place_) {
    case Place::kStart:
    case Place::kTop:
    case Place::kTensorValue:
    case Place::kTensor:
    case Place::kMetadataValue:
    case Place::kMetadata:
    case Place::kEnd:
      expected = "an object";
      break;
    case Place::kMetadataText:
    case Place::kDtype:
      expected = "a string";
      break;
    case Place::kShapeValue:
    case Place::kOffsetsValue:
      expected = "an array";
      break;
    case Place::kShape:
    case Place::kOffsets:
      expected = "an integer that is not negative";
      break;
  }
  return fail(fmt::format("{} has {} where {} belongs", where(), what, expected));
}

bool SafetensorsSax::number_integer(std::int64_t) {
  return unexpected("a negative number");
}

bool SafetensorsSax::number_unsigned(std::uint64_t value) {
  if (place_ == Place::kShape) {
    auto& shape = entries_.back().shape;
    if (shape.size() == kMaxDimensions) return fail(where() + " has too many dimensions");
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return fail(fmt::format("{} has a dimension of {}", where(), value));
    }
    shape.push_back(static_cast<std::int64_t>(value));
    return true;
  }
  if (place_ == Place::kOffsets) {
    if (*offsets_ == 2) return fail(where() + " has more than two data_offsets");
    (*offsets_ == 0 ? entries_.back().begin : entries_.back().end) = value;
    ++*offsets_;
    return true;
  }
  return unexpected("a number");
}

bool SafetensorsSax::string(std::string& value) {
  if (place_ == Place::kDtype) {
    if (value != "F32")
      return fail(fmt::format("{} has dtype {}; only F32 can be read", where(), in_quotes(value)));
    place_ = Place::kTensor;
    return true;
  }
  if (place_ == Place::kMetadataText) {
    metadata_.emplace(std::move(metadata_key_), std::move(value));
    place_ = Place::kMetadata;
    return true;
  }
  return unexpected("a string");
}

bool SafetensorsSax::start_object(std::size_t) {
  switch (place_) {
    case Place::kStart:
      place_ = Place::kTop;
      return true;
    case Place::kMetadataValue:
      place_ = Place::kMetadata;
      return true;
    case Place::kTensorValue:
      place_ = Place::kTensor;
      return true;
    default:
      return unexpected("an object");
  }
}

bool SafetensorsSax::end_object() {
  if (place_ == Place::kTop) {
    place_ = Place::kEnd;
    return true;
  }
  if (place_ == Place::kTensor && !(has_dtype_ && has_shape_ && offsets_ == 2)) {
    return fail(where() + " needs a dtype, a shape and two data_offsets");
  }
  place_ = Place::kTop;
  return true;
}

bool SafetensorsSax::start_array(std::size_t) {
  if (place_ == Place::kShapeValue) {
    place_ = Place::kShape;
    return true;
  }
  if (place_ == Place::kOffsetsValue) {
    place_ = Place::kOffsets;
    return true;
  }
  return unexpected("an array");
}

bool SafetensorsSax::end_array() {
  place_ = Place::kTensor;
  return true;
}

bool SafetensorsSax::key(std::string& value) {
  if (place_ == Place::kMetadata) {
    if (metadata_.contains(value))
      return fail(fmt::format("{} has the key {} twice", where(), in_quotes(value)));
    metadata_key_ = value;
    place_ = Place::kMetadataText;
    return true;
  }
  if (place_ == Place::kTensor) return tensor_field(value);
  if (!names_.insert(value).second)
    return fail(fmt::format("the header has the key {} twice", in_quotes(value)));
  if (value == kSafetensorsMetadataKey) {
    place_ = Place::kMetadataValue;
    return true;
  }
  if (value.empty() || value.size() > kMaxNameBytes || !std::all_of(value.begin(), value.end(), printable)) {
    return fail(fmt::format("the header has a tensor named {}; names are 1 to {} bytes of printable ASCII",
                            in_quotes(value), kMaxNameBytes));
  }
  entries_.push_back({});
  entries_.back().name = value;
  has_dtype_ = has_shape_ = false;
  offsets_.reset();
  place_ = Place::kTensorValue;
  return true;
}

bool SafetensorsSax::tensor_field(const std::string& name) {
  const bool is_dtype = name == "dtype", is_shape = name == "shape", is_offsets = name == "data_offsets";
  if (!is_dtype && !is_shape && !is_offsets) {
    return fail(fmt::format("{} has the unknown key {}", where(), in_quotes(name)));
  }
  if ((is_dtype && has_dtype_) || (is_shape && has_shape_) || (is_offsets && offsets_)) {
    return fail(fmt::format("{} has the key '{}' twice", where(), name));
  }
  if (is_dtype) {
    has_dtype_ = true;
    place_ = Place::kDtype;
  } else if (is_shape) {
    has_shape_ = true;
    place_ = Place::kShapeValue;
  } else {
    offsets_ = 0;
    place_ = Place::kOffsetsValue;
  }
  return true;
}

bool SafetensorsSax::parse_error(std::size_t position, const std::string&,
                                 const nlohmann::detail::exception&) {
  return fail(fmt::format("the header is not JSON (at its byte {})", position));
}

}  // namespace genkidama
