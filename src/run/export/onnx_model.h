#pragma once

/// @file
/// A policy as an ONNX model.

#include <string>

#include "run/export/portable_policy.h"

namespace genkidama::run {

/// The bytes of the model, whose graph has this name. N rows at once, the inputs and outputs of which are:
///   observation  float [N, floats of an observation]
///   mask         bool [N or 1, alternatives of all choices], where the policy has choices; it may be left
///   out memory       float [N, units], where the policy has memory; zeros where an episode starts outputs
///   float [N, policy outputs] action       float [N, numbers of an action]: the best one next_memory  float
///   [N, units], where the policy has memory
std::string onnx_model(const PortablePolicy& policy, const std::string& name);

}  // namespace genkidama::run
