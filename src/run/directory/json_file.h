#pragma once

/// @file
/// JSON files for people and programs.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace genkidama::run {

/// The value as JSON text with indented lines. Never fails on text that is not UTF-8: what is not gets
/// replaced. Escape paths and arguments with escape_bytes() before, so that nothing of them is lost.
std::string json_text(const nlohmann::ordered_json& value);

/// Writes that text, whole or not at all. Throws IoError.
void write_json_file(const std::filesystem::path& path, const nlohmann::ordered_json& value);

}  // namespace genkidama::run
