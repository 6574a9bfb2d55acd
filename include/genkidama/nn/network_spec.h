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
  /// Numbers that an action is chosen from, >= 1: first a logit for each alternative of each choice, then
  /// what belongs to the continuous components.
  int policy = 0;
  int values = 1;  ///< estimates of the return, >= 0
  /// How many of the policy outputs, the last ones, are learnt constants that do not depend on the
  /// observation; 0 or more, and fewer than `policy`. Networks need not know of them: a factory is always
  /// asked for a spec without free outputs, and make_network() (genkidama/nn/free_outputs.h) adds them.
  int free = 0;
  float free_start = 0;                     ///< what the free outputs are at first
  std::string free_name = "log_deviation";  ///< the name of the tensor that holds them
  /// Estimates of the return of an observation together with a continuous action, each with weights that
  /// belong to it alone, >= 0; see CriticFunction (genkidama/nn/critic_function.h).
  int critics = 0;
  int critic_actions = 0;  ///< numbers of an action that each critic is given; 0 without critics
  /// Whether fully connected layers have noise (Fortunato et al. 2018), by which the network explores. As
  /// with free outputs networks need not know of it: make_network() adds it, and tensors of deviations. Not
  /// together with critics.
  bool noisy = false;
  double noisy_deviation = 0.5;  ///< >= 0; what deviations start as, times the root of a layer's inputs

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
