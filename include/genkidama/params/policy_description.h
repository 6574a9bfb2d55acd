#pragma once

/// @file
/// What tells two policies apart whose networks have the same tensors.

#include <string>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// A policy in words. Weights that were averaged over policies of different descriptions mean nothing, even
/// where the tensors have the same shapes. A text that is empty says nothing and is not compared.
struct PolicyDescription {
  std::string network;    ///< Network::description(): "mlp 64 64 tanh"
  std::string behaviour;  ///< Behaviour::description(): "gaussian clip"

  /// Compares both texts.
  friend bool operator==(const PolicyDescription&, const PolicyDescription&) = default;
};

}  // namespace genkidama
