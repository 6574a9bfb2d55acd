#include "genkidama/params/mixing.h"

#include <cmath>
#include <numbers>

#include "genkidama/core/error.h"
#include "support/catch.h"

using namespace genkidama;

namespace {

double row_sum(const MixingMatrix& matrix, std::size_t row) {
  double sum = 0;
  for (std::size_t j = 0; j < matrix.nodes; ++j) sum += matrix.at(row, j);
  return sum;
}

double column_sum(const MixingMatrix& matrix, std::size_t column) {
  double sum = 0;
  for (std::size_t i = 0; i < matrix.nodes; ++i) sum += matrix.at(i, column);
  return sum;
}

}  // namespace

TEST_CASE("Metropolis weights make a doubly stochastic matrix of any undirected graph") {
  const Topology graph = GENERATE(
      Topology::parse("0 1\n0 2\n0 3\n3 4\n", "a star with a tail"), Topology::make(TopologyKind::kRing, 7),
      Topology::make(TopologyKind::kRandomRegular, 10, 3), Topology::make(TopologyKind::kFull, 4));
  for (const auto rule : {MixingRule::kDiffusion, MixingRule::kPairs}) {
    const MixingMatrix matrix = mixing_matrix(graph, rule);
    for (std::size_t i = 0; i < matrix.nodes; ++i) {
      CHECK(row_sum(matrix, i) == Approx(1));
      CHECK(column_sum(matrix, i) == Approx(1));
      CHECK(matrix.at(i, i) >= 0);
      for (std::size_t j = 0; j < matrix.nodes; ++j) CHECK(matrix.at(i, j) == Approx(matrix.at(j, i)));
    }
  }
}

TEST_CASE("GALA's rows and push-sum's columns sum up to 1 in any directed graph") {
  const Topology graph = Topology::parse("0 > 1\n1 > 2\n2 > 0\n0 > 2\n", "three machines");
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(row_sum(mixing_matrix(graph, MixingRule::kGala), i) == Approx(1));
    CHECK(column_sum(mixing_matrix(graph, MixingRule::kPushSum), i) == Approx(1));
  }
  CHECK_THROWS_AS(mixing_matrix(graph, MixingRule::kDiffusion), ArgumentError);
  CHECK_THROWS_AS(mixing_matrix(graph, MixingRule::kPairs), ArgumentError);
  CHECK_THROWS_AS(mixing_matrix(Topology::make(TopologyKind::kRing, 501), MixingRule::kGala), ArgumentError);
}

TEST_CASE("spectral gaps are those that are known") {
  // A ring's Metropolis weights are 1/3 each: eigenvalues (1 + 2 cos(2 pi k / n)) / 3.
  const double ring = (1 + 2 * std::cos(2 * std::numbers::pi / 8)) / 3;
  CHECK(spectral_gap(mixing_matrix(Topology::make(TopologyKind::kRing, 8), MixingRule::kDiffusion)) ==
        Approx(1 - ring).margin(1e-6));
  // All with all agree at once.
  CHECK(spectral_gap(mixing_matrix(Topology::make(TopologyKind::kFull, 6), MixingRule::kDiffusion)) ==
        Approx(1).margin(1e-6));
  // A directed ring of GALA: |(1 + e^(2 pi i / n)) / 2| = cos(pi / n). The eigenvalues are complex.
  const auto directed = Topology::make(TopologyKind::kDirectedRing, 6);
  CHECK(spectral_gap(mixing_matrix(directed, MixingRule::kGala)) ==
        Approx(1 - std::cos(std::numbers::pi / 6)).margin(1e-6));
  CHECK(spectral_gap(mixing_matrix(directed, MixingRule::kPushSum)) ==
        Approx(1 - std::cos(std::numbers::pi / 6)).margin(1e-6));
  // Two halves that nothing joins never agree.
  CHECK(spectral_gap(mixing_matrix(Topology::parse("0 1\n2 3\n", "halves"), MixingRule::kDiffusion)) ==
        Approx(0).margin(1e-6));
  CHECK(spectral_gap(mixing_matrix(Topology::make(TopologyKind::kRing, 1), MixingRule::kGala)) == 1);
}

TEST_CASE("names of rules are read back") {
  for (const auto rule :
       {MixingRule::kGala, MixingRule::kDiffusion, MixingRule::kPairs, MixingRule::kPushSum})
    CHECK(mixing_of(mixing_name(rule)) == rule);
  CHECK_FALSE(mixing_of("average").has_value());
}
