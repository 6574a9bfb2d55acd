#include "run/divergence.h"

#include <fmt/format.h>

#include "genkidama/params/weighted_average.h"

namespace genkidama::cli {

std::optional<std::string> find_divergence(std::span<const float> weights, const ParameterLayout& layout,
                                           double max_norm) {
  if (const std::size_t bad = first_non_finite(weights); bad != weights.size()) {
    return fmt::format("{} is {}", element_text(layout, bad), weights[bad]);
  }
  if (max_norm <= 0) return {};
  const double norm = euclidean_norm(weights);
  if (norm <= max_norm) return {};
  return fmt::format("the L2 norm of the weights is {:.3g}, above --max-weight-norm {:g}", norm, max_norm);
}

}  // namespace genkidama::cli
