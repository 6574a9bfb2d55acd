#pragma once

/// @file
/// A policy as a TorchScript module.

#include <string>

#include "run/export/portable_policy.h"

namespace genkidama::run {

/// The bytes of the file. Its module takes N rows at once:
///   forward(observation, mask=None) -> (outputs, action)
///   forward(observation, memory, mask=None) -> (outputs, action, next_memory), of a policy with memory
/// Types and shapes are those of onnx_model(). Without choices there is no mask.
std::string torchscript_model(const PortablePolicy& policy);

}  // namespace genkidama::run
