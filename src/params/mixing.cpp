#include "genkidama/params/mixing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "genkidama/core/error.h"

namespace genkidama {
namespace {

constexpr std::array kNames = {
    std::pair(MixingRule::kGala, "gala"), std::pair(MixingRule::kDiffusion, "diff-dac"),
    std::pair(MixingRule::kPairs, "ad-psgd"), std::pair(MixingRule::kPushSum, "push-sum")};
constexpr std::size_t kMostMatrixNodes = 500;

MixingMatrix multiply(const MixingMatrix& a, const MixingMatrix& b) {
  const std::size_t n = a.nodes;
  MixingMatrix product{n, std::vector<double>(n * n)};
  for (std::size_t i = 0; i < n; ++i) {
    double* const into = &product.values[i * n];
    for (std::size_t k = 0; k < n; ++k) {
      const double factor = a.at(i, k);
      if (factor == 0) continue;
      const double* const row = &b.values[k * n];
      for (std::size_t j = 0; j < n; ++j) into[j] += factor * row[j];
    }
  }
  return product;
}

MixingMatrix power(MixingMatrix matrix, std::size_t exponent) {
  const std::size_t n = matrix.nodes;
  MixingMatrix result{n, std::vector<double>(n * n)};
  for (std::size_t i = 0; i < n; ++i) result.values[i * n + i] = 1;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1) result = multiply(result, matrix);
    if (exponent > 1) matrix = multiply(matrix, matrix);
  }
  return result;
}

/// The left eigenvector of the eigenvalue 1, to which the rows of the powers of a stochastic matrix go: what
/// each machine counts in what all agree on. It is averaged over powers, as those of a periodic matrix go
/// round.
std::vector<double> stationary(const MixingMatrix& rows) {
  const std::size_t n = rows.nodes;
  constexpr int kSteps = 20'000;
  std::vector<double> now(n, 1.0 / static_cast<double>(n)), next(n);
  for (int step = 0; step < kSteps; ++step) {
    std::fill(next.begin(), next.end(), 0);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) next[j] += now[i] * rows.at(i, j);
    double change = 0;
    for (std::size_t j = 0; j < n; ++j) {
      next[j] = (next[j] + now[j]) / 2;
      change = std::max(change, std::abs(next[j] - now[j]));
    }
    std::swap(now, next);
    if (change < 1e-15) break;
  }
  return now;
}

/// The spectral radius, by Gelfand's formula: ||A^(2^k)||^(1 / 2^k), whose powers are made by squaring.
double spectral_radius(MixingMatrix matrix) {
  constexpr int kSquarings = 24;
  double logarithm = 0, share = 1;
  for (int squaring = 0; squaring < kSquarings; ++squaring) {
    double norm = 0;
    for (const double value : matrix.values) norm += value * value;
    norm = std::sqrt(norm);
    if (norm < 1e-280) return 0;
    for (double& value : matrix.values) value /= norm;
    logarithm += share * std::log(norm);
    matrix = multiply(matrix, matrix);
    share /= 2;
  }
  double norm = 0;
  for (const double value : matrix.values) norm += value * value;
  if (norm < 1e-280) return 0;
  return std::exp(logarithm + share * std::log(norm));
}

}  // namespace

const char* mixing_name(MixingRule rule) {
  for (const auto& [each, name] : kNames)
    if (each == rule) return name;
  return "?";
}

std::optional<MixingRule> mixing_of(std::string_view name) {
  for (const auto& [rule, each] : kNames)
    if (name == each) return rule;
  return std::nullopt;
}

bool needs_undirected(MixingRule rule) {
  return rule == MixingRule::kDiffusion || rule == MixingRule::kPairs;
}

double metropolis_weight(std::size_t own_neighbours, std::size_t other_neighbours) {
  return 1.0 / (1.0 + static_cast<double>(std::max(own_neighbours, other_neighbours)));
}

MixingMatrix mixing_matrix(const Topology& topology, MixingRule rule) {
  const std::size_t n = topology.nodes();
  if (n > kMostMatrixNodes)
    throw ArgumentError(fmt::format("a matrix of {} machines; at most {} are possible", n, kMostMatrixNodes));
  if (needs_undirected(rule) && !topology.is_undirected()) {
    throw ArgumentError(
        fmt::format("{} needs a graph in which neighbours send to each other; choose an undirected one, or "
                    "gala or push-sum",
                    mixing_name(rule)));
  }
  MixingMatrix matrix{n, std::vector<double>(n * n)};
  const auto at = [&](std::size_t row, std::size_t column) -> double& {
    return matrix.values[row * n + column];
  };
  for (std::size_t i = 0; i < n; ++i) {
    const auto& sources = topology.sources(i);
    const auto& targets = topology.targets(i);
    switch (rule) {
      case MixingRule::kGala:
        for (const std::size_t j : sources) at(i, j) = 1.0 / static_cast<double>(1 + sources.size());
        at(i, i) = 1.0 / static_cast<double>(1 + sources.size());
        break;
      case MixingRule::kDiffusion:
        at(i, i) = 1;
        for (const std::size_t j : sources) {
          at(i, j) = metropolis_weight(sources.size(), topology.sources(j).size());
          at(i, i) -= at(i, j);
        }
        break;
      case MixingRule::kPairs:
        // One exchange, of a machine drawn at random with one of its neighbours: both move by half of their
        // difference.
        at(i, i) += 1;
        for (const std::size_t j : targets) {
          const double share = 0.5 / static_cast<double>(targets.size() * n);
          at(i, j) += share, at(i, i) -= share;
          at(j, i) += share, at(j, j) -= share;
        }
        break;
      case MixingRule::kPushSum:
        for (const std::size_t j : targets) at(j, i) = 1.0 / static_cast<double>(1 + targets.size());
        at(i, i) = 1.0 / static_cast<double>(1 + targets.size());
        break;
    }
  }
  // In a round each machine makes one, one after the other.
  return rule == MixingRule::kPairs ? power(matrix, n) : matrix;
}

double spectral_gap(const MixingMatrix& matrix) {
  const std::size_t n = matrix.nodes;
  if (n < 2) return 1;
  // Push-sum's columns sum up to 1; its transpose has the same eigenvalues.
  MixingMatrix rows = matrix;
  bool sums_by_rows = true;
  for (std::size_t i = 0; i < n; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < n; ++j) sum += matrix.at(i, j);
    sums_by_rows = sums_by_rows && std::abs(sum - 1) < 1e-9;
  }
  if (!sums_by_rows) {
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) rows.values[i * n + j] = matrix.at(j, i);
  }
  // Without the eigenvalue 1, whose right eigenvector has equal elements (Wielandt's deflation).
  const std::vector<double> weights = stationary(rows);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) rows.values[i * n + j] -= weights[j];
  return std::clamp(1 - spectral_radius(std::move(rows)), 0.0, 1.0);
}

}  // namespace genkidama
