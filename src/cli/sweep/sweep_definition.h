#pragma once

/// @file
/// Which runs a sweep consists of: settings times seeds.

#include <cstdint>
#include <string>
#include <vector>

namespace genkidama::cli {

/// One option of a run, as typed.
struct SweepValue {
  std::string option;
  std::string value;

  bool operator==(const SweepValue&) const = default;
};

/// The options that a setting changes, in the order of the command line.
using SweepPoint = std::vector<SweepValue>;

/// "alpha=0.1,beta=0"; "default" for the one that changes nothing.
std::string setting_name(const SweepPoint& point);

struct SweepDefinition {
  std::vector<SweepPoint> points;
  std::vector<std::uint64_t> seeds;
};

/// From the values of --setting, --grid and --seeds: every setting with every combination of the grids'
/// values, the last grid changing fastest. Throws ArgumentError for what cannot be read, an option that is
/// varied twice or that a sweep sets itself, a value that cannot be part of a directory's name, and settings
/// or seeds that occur twice.
SweepDefinition parse_sweep_definition(const std::vector<std::string>& settings,
                                       const std::vector<std::string>& grids, const std::string& seeds);

/// The options that any point changes, in the order of their first appearance.
std::vector<std::string> varied_options(const std::vector<SweepPoint>& points);

/// What either has, the first one's first.
SweepDefinition united(const SweepDefinition& first, const SweepDefinition& second);

/// Why `option` cannot be varied in a sweep; empty when it can be.
std::string reserved_reason(const std::string& option);

}  // namespace genkidama::cli
