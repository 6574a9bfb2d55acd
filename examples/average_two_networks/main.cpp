// The rule at the heart of the library: average two networks, with neither sockets nor LibTorch.
#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "genkidama/params/parameter_layout.h"
#include "genkidama/params/weighted_average.h"

int main() {
  // Names and shapes as in PyTorch's state_dict; the weights of all tensors follow one another in one vector.
  const genkidama::ParameterLayout layout({{"layer.weight", {2, 3}}, {"layer.bias", {2}}});
  std::vector<float> parent(layout.size(), 0.0F);
  std::vector<float> child(layout.size(), 1.0F);

  const double alpha = 0.9;
  const double beta = 0.5;
  // Algorithm 2 of the thesis: first the Parent takes from the Child, then the Child from the Parent.
  genkidama::weighted_average(parent, child, alpha);
  genkidama::weighted_average(child, parent, beta);

  fmt::print("{} weights; Parent {:.3f}, Child {:.3f}\n", layout.size(), parent[0], child[0]);
  // The two come closer by exactly (1 - alpha)(1 - beta).
  const double expected = (1 - alpha) * (1 - beta);
  return std::abs((child[0] - parent[0]) - expected) < 1e-6 ? 0 : 1;
}
