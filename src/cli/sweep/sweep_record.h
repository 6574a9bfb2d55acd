#pragma once

/// @file
/// sweep.json: what a sweep's directory holds runs of.

#include <filesystem>

#include "cli/sweep/sweep_definition.h"
#include "cli/sweep/sweep_plan.h"

namespace genkidama::cli {

/// What earlier calls with this directory defined; nothing in it when there was none. Throws ArgumentError
/// when the file cannot be understood or was made for another command.
SweepDefinition read_sweep_record(const SweepDirectory& directory, Command command);

/// The command, its flags, the grids, settings and seeds of this call, and `all`, which is what a later call
/// reads. Throws IoError.
void write_sweep_record(const SweepDirectory& directory, const Job& job, const SweepDefinition& all);

}  // namespace genkidama::cli
