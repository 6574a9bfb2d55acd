#pragma once

/// @file
/// sweep.json: what a sweep's directory holds runs of.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "genkidama/core/export.h"
#include "genkidama/run/sweep.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// What earlier sweeps in options.directory defined; nothing in it when there was none. Throws ArgumentError
/// when the file cannot be understood or is of another kind of run. Of the options only directory, command
/// and option_name matter.
SweepDefinition read_sweep_record(const SweepOptions& options);

/// options.record, the command, and `all`, which is what a later sweep reads. Throws IoError.
void write_sweep_record(const SweepOptions& options, const SweepDefinition& all);

/// [["gamma", "0.9"], ...], with the bytes of names and values escaped.
nlohmann::ordered_json point_json(const SweepPoint& point);
/// The reverse. Throws nlohmann's exceptions.
SweepPoint point_in(const nlohmann::json& value);

/// The field's name for messages.
std::string name_of(const SweepOptions& options, std::string_view field);

}  // namespace run
}  // namespace genkidama
