#include "nn/initial_weights.h"

#include <Eigen/Dense>

namespace genkidama {

void fill_normal(std::span<float> weights, double deviation, Random& random) {
  for (float& weight : weights) weight = static_cast<float>(deviation * random.normal());
}

void fill_orthogonal(std::span<float> weights, std::size_t rows, std::size_t columns, double gain,
                     Random& random) {
  const bool wide = columns > rows;
  const auto longer = static_cast<Eigen::Index>(wide ? columns : rows);
  const auto shorter = static_cast<Eigen::Index>(wide ? rows : columns);
  Eigen::MatrixXd normal(longer, shorter);
  for (Eigen::Index j = 0; j < shorter; ++j) {
    for (Eigen::Index i = 0; i < longer; ++i) normal(i, j) = random.normal();
  }
  const Eigen::HouseholderQR<Eigen::MatrixXd> decomposition(normal);
  Eigen::MatrixXd q = decomposition.householderQ() * Eigen::MatrixXd::Identity(longer, shorter);
  for (Eigen::Index j = 0; j < shorter; ++j) {
    if (decomposition.matrixQR()(j, j) < 0) q.col(j) *= -1;
  }
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      const auto i = static_cast<Eigen::Index>(wide ? c : r);
      const auto j = static_cast<Eigen::Index>(wide ? r : c);
      weights[r * columns + c] = static_cast<float>(gain * q(i, j));
    }
  }
}

}  // namespace genkidama
