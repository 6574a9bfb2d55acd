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
  /// What it learns from: "none" (observations and rewards as they are), "observations 10" (normalised and
  /// cut to 10 deviations), "rewards", or "observations 10 rewards".
  std::string normalisation{};

  /// Compares the texts.
  friend bool operator==(const PolicyDescription&, const PolicyDescription&) = default;
};

}  // namespace genkidama
