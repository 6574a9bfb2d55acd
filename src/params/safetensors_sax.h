#pragma once

/// @file
/// Reads the header's JSON as a stream of events: a document builder would merge duplicate keys and nest as
/// deep as the file says.

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace genkidama {

inline const std::string kSafetensorsMetadataKey = "__metadata__";

/// One tensor as the header states it, unchecked.
struct SafetensorsEntry {
  std::string name;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;  ///< bytes from the start of the data
  std::uint64_t end = 0;
};

/// For nlohmann::json::sax_parse; that returns false when the text is not such a header, and error() says
/// why.
class SafetensorsSax : public nlohmann::json_sax<nlohmann::json> {
 public:
  const std::string& error() const { return error_; }
  std::vector<SafetensorsEntry> take_entries() { return std::move(entries_); }
  std::map<std::string, std::string> take_metadata() { return std::move(metadata_); }

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("true or false"); }
  bool number_integer(std::int64_t value) override;
  bool number_unsigned(std::uint64_t value) override;
  bool number_float(double, const std::string&) override {
    return unexpected("a number that is not an integer");
  }
  bool string(std::string& value) override;
  bool binary(nlohmann::json::binary_t&) override { return unexpected("binary data"); }
  bool start_object(std::size_t) override;
  bool end_object() override;
  bool start_array(std::size_t) override;
  bool end_array() override;
  bool key(std::string& value) override;
  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::detail::exception& error) override;

 private:
  enum class Place {
    kStart,
    kTop,
    kTensor,
    kDtype,
    kShapeValue,
    kShape,
    kOffsetsValue,
    kOffsets,
    kMetadataValue,
    kMetadata,
    kMetadataText,
    kTensorValue,
    kEnd
  };

  bool fail(std::string error);
  bool unexpected(const char* what);
  bool tensor_field(const std::string& name);
  std::string where() const;

  Place place_ = Place::kStart;
  std::string error_ = "the header is not JSON";
  std::vector<SafetensorsEntry> entries_;
  std::map<std::string, std::string> metadata_;
  std::set<std::string, std::less<>> names_;
  // Of the tensor or the metadata that is being read.
  std::string metadata_key_;
  bool has_dtype_ = false;
  bool has_shape_ = false;
  std::optional<std::size_t> offsets_;  // how many have been read
};

}  // namespace genkidama
