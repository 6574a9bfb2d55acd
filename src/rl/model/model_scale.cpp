#include "rl/model/model_scale.h"

#include <algorithm>
#include <cmath>

#include "genkidama/ipc/shared_array.h"

namespace genkidama {
namespace {

constexpr float kMostRows = 10'000;

}  // namespace

ModelScale::ModelScale(std::span<float> shared, std::size_t columns)
    : shared_(shared), means_(columns), deviations_(columns) {
  read();
}

void ModelScale::count(std::span<const float> row) {
  const float rows = std::min(relaxed_read(shared_[0]) + 1, kMostRows);
  relaxed_write(shared_[0], rows);
  const float weight = 1 / rows;
  for (std::size_t i = 0; i < means_.size(); ++i) {
    float &mean = shared_[1 + i], &variance = shared_[1 + means_.size() + i];
    const float change = row[i] - relaxed_read(mean);
    relaxed_write(mean, relaxed_read(mean) + weight * change);
    relaxed_write(variance, (1 - weight) * (relaxed_read(variance) + weight * change * change));
  }
  read();
}

void ModelScale::read() {
  for (std::size_t i = 0; i < means_.size(); ++i) {
    means_[i] = relaxed_read(shared_[1 + i]);
    deviations_[i] = std::sqrt(relaxed_read(shared_[1 + means_.size() + i]));
  }
}

float ModelScale::to_unit(std::size_t column, float value, float limit) const {
  if (!(deviations_[column] > 0)) return 0;
  return std::clamp((value - means_[column]) / deviations_[column], -limit, limit);
}

}  // namespace genkidama
