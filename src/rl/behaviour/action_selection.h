#pragma once

// Choosing an action from a network's logits.

#include <span>

#include "genkidama/core/random.h"

namespace genkidama {

/// From the softmax of the logits, with one uniform number.
int sample_action(std::span<const float> logits, Random& random);

/// The likeliest; the first of equals.
int greedy_action(std::span<const float> logits);

/// With chance epsilon any action, else sampled (thesis, Algorithm 1, lines 10 to 14).
int explore_action(std::span<const float> logits, double epsilon, Random& random);

}  // namespace genkidama
