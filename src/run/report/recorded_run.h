#pragma once

/// @file
/// What a run directory tells of a run, whatever its state.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "run/directory/run_directory.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

struct RecordedRun {
  RunDirectory directory;
  nlohmann::ordered_json config;   ///< of config.json; an empty object where that is missing or damaged
  nlohmann::ordered_json summary;  ///< of summary.json, in the same way, and while the run goes on
  bool is_at_work = false;         ///< a process of this machine works in the directory now
  std::vector<std::string> notes;  ///< what is missing, as whole sentences that begin with the directory

  std::string environment() const;  ///< empty: not known
};

/// Reads the directory of a run that has ended, goes on, or was killed. Throws ArgumentError, which begins
/// with the directory, when there is no directory, or no run in it.
RecordedRun read_recorded_run(const std::filesystem::path& directory);

/// A finite number of an object; nothing where the key is missing or has another type.
std::optional<double> number_at(const nlohmann::ordered_json& object, const std::string& key);
/// A text of an object; empty where the key is missing or has another type.
std::string text_at(const nlohmann::ordered_json& object, const std::string& key);
/// An object in an object; an empty one where the key is missing or has another type.
const nlohmann::ordered_json& object_at(const nlohmann::ordered_json& object, const std::string& key);

/// A value as people read it: a text without its quotes, and "none" for null. Bytes that are no UTF-8 in a
/// path become U+FFFD.
std::string value_text(const nlohmann::ordered_json& value);

}  // namespace run
}  // namespace genkidama
