#pragma once

/// @file
/// The JSON header of a safetensors file, without the file around it.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "genkidama/params/parameter_layout.h"

namespace genkidama {

struct SafetensorsHeader {
  ParameterLayout layout;  ///< in the order of the data
  std::map<std::string, std::string> metadata;
};

constexpr std::size_t kMaxSafetensorsHeaderBytes = std::size_t{16} << 20;

/// The header's text, padded with spaces to a multiple of 8 bytes so that the data is aligned. Throws
/// ArgumentError when a tensor bears the name of the metadata, the metadata is not UTF-8, or it is all too
/// long.
std::string format_safetensors_header(const SafetensorsHeader& header);

/// Throws FormatError, saying what is wrong, unless `text` describes exactly `data_bytes` bytes of float32
/// tensors. Uses memory in proportion to the text only.
SafetensorsHeader parse_safetensors_header(std::string_view text, std::uint64_t data_bytes);

}  // namespace genkidama
