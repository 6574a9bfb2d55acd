#pragma once

/// @file
/// The hyperparameters that may change while a run is trained.

#include <span>
#include <string_view>

#include "genkidama/core/export.h"
#include "genkidama/params/population_options.h"
#include "genkidama/rl/hyperparameters.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Their names, as the fields of Hyperparameters are called. They are numbers by which nothing is made or
/// sized, so that a worker may go on with others from any round on.
std::span<const std::string_view> tunable_names();

/// The field of this name; nullptr when there is no such field or it cannot change while a run is trained.
double* tunable_field(Hyperparameters& hyperparameters, std::string_view name);
/// The same for reading.
const double* tunable_field(const Hyperparameters& hyperparameters, std::string_view name);

/// Throws ArgumentError when a population explores what is not among tunable_names(), or values that are not
/// possible together with the others of these hyperparameters.
void check_explored(const PopulationOptions& population, const Hyperparameters& hyperparameters);

}  // namespace genkidama
