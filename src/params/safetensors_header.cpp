#include "params/safetensors_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "genkidama/core/error.h"
#include "params/safetensors_sax.h"

namespace genkidama {
namespace {

using Entry = SafetensorsEntry;

std::string json_string(const std::string& text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    throw ArgumentError("the checkpoint's metadata holds text that is not UTF-8");
  }
}

/// The tensors must follow one another without a gap and fill the data.
void check_offsets(const std::vector<Entry>& entries, const ParameterLayout& layout,
                   std::uint64_t data_bytes) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    const TensorInfo& tensor = layout.tensors()[i];
    const std::uint64_t expected = std::uint64_t{tensor.offset} * sizeof(float);
    const std::uint64_t bytes = std::uint64_t{tensor.count} * sizeof(float);
    if (entry.begin > entry.end || entry.end - entry.begin != bytes) {
      throw FormatError(
          fmt::format("tensor '{}' {} needs {} bytes of data, but its data_offsets are [{}, {}]", entry.name,
                      shape_text(entry.shape), bytes, entry.begin, entry.end));
    }
    if (entry.begin != expected) {
      throw FormatError(fmt::format(
          "the data of tensor '{}' begins at byte {}, {} the end of the tensor before it ({})", entry.name,
          entry.begin, entry.begin < expected ? "overlapping" : "after a hole from", expected));
    }
  }
  const std::uint64_t total = std::uint64_t{layout.size()} * sizeof(float);
  if (total != data_bytes) {
    throw FormatError(fmt::format("the tensors have {} bytes, but {} bytes of data follow the header ({})",
                                  total, data_bytes,
                                  total > data_bytes ? "the file was cut off" : "trailing bytes"));
  }
}

}  // namespace

std::string format_safetensors_header(const SafetensorsHeader& header) {
  std::string text = "{";
  const auto begin_member = [&text](const std::string& name) {
    if (text.back() != '{') text += ',';
    text += json_string(name) + ':';
  };
  if (!header.metadata.empty()) {
    begin_member(kSafetensorsMetadataKey);
    text += '{';
    for (const auto& [key, value] : header.metadata) {
      begin_member(key);
      text += json_string(value);
    }
    text += '}';
  }
  for (const TensorInfo& tensor : header.layout.tensors()) {
    if (tensor.name == kSafetensorsMetadataKey) {
      throw ArgumentError(
          fmt::format("a tensor named '{}' cannot be saved; rename that parameter", kSafetensorsMetadataKey));
    }
    begin_member(tensor.name);
    text += R"({"dtype":"F32","shape":[)";
    for (const std::int64_t dimension : tensor.shape) {
      if (text.back() != '[') text += ',';
      text += std::to_string(dimension);
    }
    const std::uint64_t begin = std::uint64_t{tensor.offset} * sizeof(float);
    text += fmt::format(R"(],"data_offsets":[{},{}]}})", begin, begin + tensor.count * sizeof(float));
  }
  text += '}';
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (text.size() > kMaxSafetensorsHeaderBytes) {
    throw ArgumentError(
        fmt::format("the checkpoint's names and metadata take {} bytes; at most {} can be read back",
                    text.size(), kMaxSafetensorsHeaderBytes));
  }
  return text;
}

SafetensorsHeader parse_safetensors_header(std::string_view text, std::uint64_t data_bytes) {
  if (text.empty() || text.front() != '{') throw FormatError("the header does not begin with '{'");
  // The JSON parser takes a zero byte for the end of its input and would not look at what follows.
  if (text.find('\0') != std::string_view::npos) throw FormatError("the header holds a zero byte");

  SafetensorsSax sax;
  if (!nlohmann::json::sax_parse(text, &sax)) throw FormatError(sax.error());
  std::vector<Entry> entries = sax.take_entries();
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.begin < b.begin; });

  SafetensorsHeader header;
  header.metadata = sax.take_metadata();
  std::vector<ParameterLayout::Tensor> tensors;
  tensors.reserve(entries.size());
  for (const Entry& entry : entries) tensors.push_back({entry.name, entry.shape});
  try {
    header.layout = ParameterLayout(tensors);
  } catch (const ArgumentError& error) {
    throw FormatError(error.what());
  }
  check_offsets(entries, header.layout, data_bytes);
  return header;
}

}  // namespace genkidama
