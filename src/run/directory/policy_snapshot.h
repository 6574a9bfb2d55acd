#pragma once

/// @file
/// The policy after an update, and the file that is made of it.

#include <map>
#include <span>
#include <string>

#include "genkidama/params/parameter_layout.h"
#include "genkidama/params/policy_average.h"
#include "genkidama/params/policy_description.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/run/run_options.h"
#include "genkidama/run/run_totals.h"

namespace genkidama::run {

/// Refers to both; they must stay.
struct PolicySnapshot {
  std::span<const float> weights;  ///< those that learning goes on with
  const PolicyAverage& average;    ///< of them over time

  /// What is evaluated and kept for use.
  std::span<const float> policy() const { return average.weights_or(weights); }
};

/// What policy files and states say about where they come from.
struct PolicyOrigin {
  ParameterLayout layout;
  std::map<std::string, std::string> metadata;  ///< CoreOrchestrator::policy_metadata()
  std::string environment{};                    ///< EnvironmentSpec::name; states say it
  PolicyDescription policy{};                   ///< CoreOrchestrator::policy_description(); states say it
};

/// The policy with its metadata. Nothing in it depends on the clock, so that equal runs leave equal files.
Checkpoint policy_file(const PolicySnapshot& snapshot, const PolicyOrigin& origin, const RunOptions& options,
                       const RunTotals& totals);

}  // namespace genkidama::run
