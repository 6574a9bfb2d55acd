#pragma once

/// @file
/// JSON files for people and programs.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// The value as JSON text with indented lines. Never fails on text that is not UTF-8: what is not gets
/// replaced. Escape paths and arguments with escape_bytes() before, so that nothing of them is lost.
std::string json_text(const nlohmann::ordered_json& value);

/// What is wrong with a text that was read as JSON, for people: "it is not JSON from line 3, column 7 on", or
/// that a value in it is missing or out of range.
std::string json_problem(const nlohmann::json::exception& error, std::string_view text);

/// The JSON object in a file, for readers who can do without it: nothing where there is no plain file, where
/// it is larger than 64 MiB, or where its text is no JSON object. What is nested deeper than 64 levels is
/// left out, so that whoever walks through the values need not count.
std::optional<nlohmann::ordered_json> read_json_object(const std::filesystem::path& path);

/// Throws ArgumentError, with the option's name, unless `text` is that of a JSON object. An empty text is
/// none, and will do.
void check_json_object(std::string_view option, const std::string& text);

/// Writes that text, whole or not at all. Throws IoError.
void write_json_file(const std::filesystem::path& path, const nlohmann::ordered_json& value);

}  // namespace run
}  // namespace genkidama
