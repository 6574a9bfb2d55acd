#pragma once

/// @file
/// The sizes that an algorithm asks of a network.

#include <cstddef>
#include <string>
#include <vector>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What a network takes in and gives out for one observation. Algorithm::network() says what an algorithm
/// needs.
struct NetworkSpec {
  std::vector<int> observation;  ///< dimensions of an observation in row-major order, each >= 1
  int policy =
      0;  ///< numbers that an action is chosen from, >= 1; one logit for each alternative of a choice
  int values = 1;  ///< estimates of the return, >= 0

  /// Floats in an observation: the product of its dimensions.
  int observation_size() const {
    int size = 1;
    for (const int dimension : observation) size *= dimension;
    return size;
  }

  /// Compares field by field.
  bool operator==(const NetworkSpec&) const = default;
};

}  // namespace genkidama
