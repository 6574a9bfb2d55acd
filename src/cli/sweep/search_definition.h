#pragma once

/// @file
/// The grammar of a search: --search, --range and what belongs to them.

#include <string>
#include <vector>

#include "cli/options/settings.h"
#include "cli/sweep/sweep_definition.h"

namespace genkidama::cli {

/// From the values of --range: "NAME=V1,V2,..." for one of these, "NAME=LOW..HIGH" for a number in between,
/// with " log" behind it uniform in the logarithm, with " int" a whole number. Throws ArgumentError.
std::vector<run::SweepRange> parse_ranges(const std::vector<std::string>& texts);

/// Throws ArgumentError for flags that do not go together.
void check_search(const SweepOptions& sweep);

inline bool is_halving(const SweepOptions& sweep) {
  return sweep.search == "asha";
}
inline bool is_asking(const SweepOptions& sweep) {
  return sweep.search == "ask";
}

/// The settings and seeds that the flags ask for; of a search those that it draws, and none when another
/// program chooses them. `max_steps`: to which successive halving trains.
SweepDefinition searched_definition(const SweepOptions& sweep, std::uint64_t max_steps);

}  // namespace genkidama::cli
