#pragma once

/// @file
/// Checkpoint files in the safetensors format (8-byte little-endian header length, JSON header, raw data),
/// with PyTorch's state_dict names, so that Python reads them in one line.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/params/parameter_layout.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Named float32 tensors and free-form text.
struct Checkpoint {
  ParameterLayout layout;                       ///< names and shapes of the tensors
  std::vector<float> weights;                   ///< layout.size() elements
  std::map<std::string, std::string> metadata;  ///< safetensors' "__metadata__"
};

/// Writes to a temporary file in the same directory, syncs it, and renames it over `path`, then syncs the
/// directory: a reader sees the old file or the new one, whole. Throws IoError (full disk, no permission)
/// with the old file intact and the temporary one removed; ArgumentError when sizes differ or a weight is not
/// finite.
void write_safetensors(const std::filesystem::path& path, const Checkpoint& checkpoint);

/// Does the same, and keeps the old file as `previous`; see write_file_keeping_previous().
void write_safetensors_keeping_previous(const std::filesystem::path& path,
                                        const std::filesystem::path& previous, const Checkpoint& checkpoint);

/// The XXH3-64 of names, shapes, metadata and weights. It is the same on every platform. Put it into the
/// metadata afterwards, so that a reader notices a file that a disk or a power cut has changed.
std::uint64_t checksum_of(const Checkpoint& checkpoint);

/// Reads a file strictly: float32 only; header at most 16 MiB; no duplicate keys, holes, overlaps, trailing
/// bytes or values that are not finite. The layout's order is the order of the data. Throws IoError when the
/// file cannot be read and FormatError, naming the file and what is wrong with it, when it is not such a
/// file.
Checkpoint read_safetensors(const std::filesystem::path& path);

/// Reads a file and throws LayoutError, naming the first tensor that differs, when the file's tensors are not
/// those of `layout`. Tensors are matched by name, so the file's own order does not matter. The result has
/// the order of `layout`.
Checkpoint read_safetensors(const std::filesystem::path& path, const ParameterLayout& layout);

}  // namespace genkidama
