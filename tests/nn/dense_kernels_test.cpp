#include "nn/dense_kernels.h"

#include <cmath>
#include <limits>
#include <vector>

#include "support/catch.h"

using namespace genkidama;

TEST_CASE("tanh of every version is within 2e-7 of the exact one, and NaN stays NaN") {
  for (const DenseKernels* kernels : {&dense_kernels(), &portable_dense_kernels()}) {
    std::vector<float> values;
    for (double x = -20; x <= 20; x += 0.00137) values.push_back(static_cast<float>(x));
    for (const float x : {0.0f, 1e-30f, -1e-6f, 1e30f, -1e30f, std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()})
      values.push_back(x);
    const std::vector<float> inputs = values;
    kernels->tanh_in_place(values.data(), values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double error = std::abs(values[i] - std::tanh(static_cast<double>(inputs[i])));
      if (error > 2e-7) FAIL(kernels->name << ": tanh(" << inputs[i] << ") is off by " << error);
    }
    std::vector<float> bad(11, std::numeric_limits<float>::quiet_NaN());
    kernels->tanh_in_place(bad.data(), bad.size());
    for (const float value : bad) REQUIRE(std::isnan(value));
  }
}
