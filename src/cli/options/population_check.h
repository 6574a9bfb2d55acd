#pragma once

/// @file
/// What the command line says of a population.

#include "cli/options/settings.h"
#include "genkidama/params/population_options.h"

namespace genkidama::cli {

/// As --explore, --ready-steps and the others say. Throws ArgumentError for an --explore that is not in its
/// form.
PopulationOptions population_options(const Settings& settings);

/// Throws ArgumentError for a population without what it needs, together with what makes no sense then, and
/// for flags of a population without one.
void check_population(const Settings& settings);

/// Whether the population explores the option of this name.
bool is_explored(const Settings& settings, const std::string& option);

}  // namespace genkidama::cli
