#pragma once

/// @file
/// Checks a network whose arithmetic you write yourself: its gradients against finite differences of its
/// forward pass, and the function that plays against the one that learns.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/nn/network.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How a network is tried by check_gradients().
struct GradientCheckOptions {
  std::size_t batch = 8;                 ///< observations, drawn from N(0, 1); >= 1
  std::uint64_t seed = 1;                ///< observations, the loss and the chosen elements follow from it
  std::size_t elements_per_tensor = 64;  ///< elements that are tried of a larger tensor, >= 1
  double step = 1e-2;                    ///< change of a weight for a difference, > 0
  /// Largest error that is accepted, relative to the largest derivative of the tensor. float32 leaves about
  /// 1e-3.
  double tolerance = 1e-2;
};

/// What was seen of one tensor.
struct TensorGradient {
  std::string name;         ///< as in the layout
  std::size_t tried = 0;    ///< elements that were compared
  double error = 0;         ///< largest error, relative to the largest derivative of the tensor
  std::size_t element = 0;  ///< the element with that error, counted within the tensor
  double expected = 0;      ///< derivative by this element as the finite difference gives it
  double got = 0;           ///< derivative as backward() gave it
  bool ok = true;           ///< whether the error is within the tolerance
};

/// What check_gradients() saw.
struct GradientReport {
  std::vector<TensorGradient>
      tensors;  ///< in the layout's order; empty when a problem kept it from being compared
  std::vector<std::string> problems;  ///< anything else that is wrong, one sentence each

  /// Whether every tensor is right and there are no problems.
  bool ok() const;
};

/// Tries a network near its first weights with random observations. The loss is a random linear function of
/// all outputs. Each derivative is compared with a central difference of the loss. Where a difference of half
/// the step disagrees with it, or the differences to the left and to the right with each other (at or near
/// the kink of a ReLU), any derivative between them is right.
///
/// The noise of a network with some is drawn once, and is none in the end.
///
/// The critics of a spec that has some are tried with random actions, and their derivatives by the actions
/// are one more entry of the report, "actions of the critics".
///
/// Problems: the number of first weights; values that are not finite; a forward pass whose answer for one
/// observation depends on the others of its batch or changes when it is repeated; a PolicyFunction that does
/// not play what the GradientFunction computes; a gradient that backward() adds to instead of overwriting it;
/// what a function throws. Throws ArgumentError when an option is out of range.
GradientReport check_gradients(Network& network, const NetworkSpec& spec,
                               const GradientCheckOptions& options = {});

/// The report as lines for people: one for each tensor, then the problems.
std::string to_text(const GradientReport& report);

}  // namespace genkidama
