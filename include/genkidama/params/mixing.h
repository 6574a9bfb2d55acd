#pragma once

/// @file
/// How machines without a centre average their weights: the rules, and what is known of them before anything
/// runs.

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/params/topology.h"

namespace GENKIDAMA_EXPORT genkidama {

/// A rule of averaging among neighbours. All of a graph must have the same.
enum class MixingRule {
  /// GALA (Assran et al. 2019, algorithm 1): after each round the weights are sent to whom the graph says,
  /// and
  /// what came from others since the last round is averaged in, x = (x + sum of received) / (1 + number).
  /// Nobody
  /// is waited for, unless nothing came for too many rounds.
  kGala,
  /// Diff-DAC (Macua et al. 2017): adapt, then combine. Neighbours exchange what each has learnt in the
  /// round,
  /// wait for each other, and combine with Metropolis weights. Actor and critic are both combined. The graph
  /// is undirected.
  kDiffusion,
  /// AD-PSGD (Lian et al. 2018): after each round a machine and one neighbour drawn at random both move to
  /// the middle between them. Neither waits for the other's training. The graph is undirected.
  kPairs,
  /// Push-sum (Kempe et al. 2003; stochastic gradient push, Assran et al. 2019): each machine has a mass,
  /// keeps an equal part of it, and sends the others to its targets; what is received counts with its mass.
  /// So the machines agree on the mean also in a graph that is directed and not regular.
  kPushSum,
};

/// The name of a rule: "gala", "diff-dac", "ad-psgd" or "push-sum".
const char* mixing_name(MixingRule rule);
/// The rule of that name; nothing when there is none.
std::optional<MixingRule> mixing_of(std::string_view name);

/// Whether both ends of each link send: kDiffusion and kPairs.
bool needs_undirected(MixingRule rule);

/// What a neighbour's weights count among Metropolis weights (Metropolis et al. 1953; Xiao, Boyd and Kim
/// 2007): 1 / (1 + the greater of both numbers of neighbours). The rest to 1 is the machine's own. With them
/// the matrix of all machines is symmetric and doubly stochastic whatever the graph.
double metropolis_weight(std::size_t own_neighbours, std::size_t other_neighbours);

/// A square matrix, row by row.
struct MixingMatrix {
  std::size_t nodes = 0;       ///< rows, and columns
  std::vector<double> values;  ///< nodes * nodes

  /// What machine `row` takes of machine `column`.
  double at(std::size_t row, std::size_t column) const { return values[row * nodes + column]; }
};

/// What one round of a rule makes of all machines' weights when no message is late: x = M x. Of kPairs, what
/// it makes on average. Each row sums up to 1; of kPushSum each column does. Throws ArgumentError for a rule
/// that needs an undirected graph and another one, and for more than 500 machines.
MixingMatrix mixing_matrix(const Topology& topology, MixingRule rule);

/// 1 - the modulus of the second greatest eigenvalue: a disagreement shrinks to 1 - gap of itself, or below,
/// in each round, in the long run. 0: the machines never agree. To within 1e-6 where powers of the matrix
/// converge.
double spectral_gap(const MixingMatrix& matrix);

}  // namespace genkidama
