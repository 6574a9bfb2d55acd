#pragma once

/// @file
/// Which runs a sweep consists of: settings times seeds.

#include <cstdint>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/run/sweep.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

inline constexpr std::size_t kMostSweepRuns = 10'000;

/// Whether the text can be part of a setting's name, which is a directory's.
bool fits_a_directory_name(const std::string& text);

/// Throws ArgumentError for names that cannot be those of directories, for settings or seeds that are given
/// twice, for a setting with an option twice, and, unless `grows`, for no settings.
void check_definition(const SweepDefinition& definition, bool grows = false);

/// The options that any point changes, in the order of their first appearance.
std::vector<std::string> varied_options(const std::vector<SweepPoint>& points);

/// What either has, the first one's first.
SweepDefinition united(const SweepDefinition& first, const SweepDefinition& second);

/// One of the runs below.
SweepRun run_of(const SweepPoint& point, std::uint64_t seed, const std::filesystem::path& sweep);

/// All runs, seed by seed, so that a sweep that is stopped early has something of every setting.
std::vector<SweepRun> runs_of(const SweepDefinition& definition, const std::filesystem::path& sweep);

}  // namespace run
}  // namespace genkidama
