#include "run/divergence.h"

#include <fmt/format.h>

#include "genkidama/params/weighted_average.h"

namespace genkidama::run {

std::optional<std::string> find_divergence(std::span<const float> weights, const ParameterLayout& layout,
                                           const RunOptions& options) {
  if (const std::size_t bad = first_non_finite(weights); bad != weights.size()) {
    return fmt::format("{} is {}", element_text(layout, bad), weights[bad]);
  }
  if (options.max_weight_norm <= 0) return {};
  const double norm = euclidean_norm(weights);
  if (norm <= options.max_weight_norm) return {};
  return fmt::format("the L2 norm of the weights is {:.3g}, above {} {:g}", norm,
                     options.name_of("max_weight_norm"), options.max_weight_norm);
}

}  // namespace genkidama::run
