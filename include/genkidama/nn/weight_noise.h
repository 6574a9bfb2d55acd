#pragma once

/// @file
/// Noise in the weights of a network, by which it explores.

#include "genkidama/core/export.h"
#include "genkidama/core/random.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The noise that all functions of one network compute with (Network::noise()). It is drawn by whoever uses
/// the network and stays until it is drawn again or cleared. Used by the network's thread.
class WeightNoise {
 public:
  virtual ~WeightNoise() = default;

  /// Draws all noise anew. Not between a forward pass and the backward pass that belongs to it.
  virtual void draw(Random& random) = 0;

  /// From now on there is none, as at first: every weight is its mean. Not between those two passes either.
  virtual void clear() = 0;
};

}  // namespace genkidama
