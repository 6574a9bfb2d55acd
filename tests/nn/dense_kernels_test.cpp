#include "nn/dense_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <vector>

#include "genkidama/core/random.h"
#include "support/catch.h"

using namespace genkidama;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

const std::vector<const DenseKernels*> kVersions{&dense_kernels(), &portable_dense_kernels()};

std::vector<float> many_values() {
  std::vector<float> values;
  for (double x = -100; x <= 100; x += 0.00537) values.push_back(static_cast<float>(x));
  for (const float x : {0.0f, -0.0f, 1e-30f, -1e-6f, 1e30f, -1e30f}) values.push_back(x);
  return values;
}

using InPlace = void (*)(float*, std::size_t);

/// The error may be `bound` times the larger of 1 and the exact value.
void require_close(const char* name, InPlace kernel, const std::function<double(double)>& exact,
                   double bound) {
  std::vector<float> values = many_values();
  const std::vector<float> inputs = values;
  kernel(values.data(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double expected = exact(inputs[i]);
    const double error = std::abs(values[i] - expected) / std::max(1.0, std::abs(expected));
    if (!(error <= bound)) FAIL(name << " of " << inputs[i] << " is " << values[i] << ", not " << expected);
  }
  // Any number of them, and no other.
  for (std::size_t count = 0; count < 20; ++count) {
    std::vector<float> some(inputs.begin(), inputs.begin() + 20);
    kernel(some.data(), count);
    for (std::size_t i = 0; i < 20; ++i) REQUIRE(some[i] == (i < count ? values[i] : inputs[i]));
  }
  std::vector<float> bad(11, kNan);
  kernel(bad.data(), bad.size());
  for (const float value : bad) REQUIRE(std::isnan(value));
}

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

std::vector<float> normal(std::size_t count, Random& random) {
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(3 * random.normal() + 1);
  return values;
}

/// Normalises in double precision.
std::vector<double> normalised(const std::vector<float>& row, const std::vector<float>& gain,
                               const std::vector<float>& shift) {
  const auto n = static_cast<double>(row.size());
  double mean = 0, variance = 0;
  for (const float x : row) mean += x / n;
  for (const float x : row) variance += (x - mean) * (x - mean) / n;
  std::vector<double> result;
  for (std::size_t i = 0; i < row.size(); ++i) {
    result.push_back(gain[i] * (row[i] - mean) / std::sqrt(variance + 1e-5) + shift[i]);
  }
  return result;
}

}  // namespace

TEST_CASE("sigmoid, SiLU and ReLU of every version are as exact as they say, and NaN stays NaN") {
  for (const DenseKernels* kernels : kVersions) {
    CAPTURE(kernels->name);
    require_close("sigmoid", kernels->sigmoid_in_place, sigmoid, 2e-7);
    require_close(
        "SiLU", kernels->silu_in_place, [](double x) { return x * sigmoid(x); }, 5e-7);
    require_close(
        "ReLU", kernels->relu_in_place, [](double x) { return std::max(x, 0.0); }, 0);
    std::vector<float> ends{kInfinity, -kInfinity};
    kernels->sigmoid_in_place(ends.data(), 2);
    CHECK(ends[0] == 1);
    CHECK(ends[1] == Approx(0).margin(1e-30));
    ends = {kInfinity, -kInfinity};
    kernels->silu_in_place(ends.data(), 2);
    CHECK(ends[0] == kInfinity);
    CHECK(ends[1] == Approx(0).margin(1e-30));
    ends = {kInfinity, -kInfinity};
    kernels->relu_in_place(ends.data(), 2);
    CHECK(ends == std::vector<float>{kInfinity, 0});
  }
}

TEST_CASE("the derivative of SiLU of every version is within 1e-6 of the exact one, and NaN stays NaN") {
  for (const DenseKernels* kernels : kVersions) {
    std::vector<float> sums = many_values();
    sums.push_back(kInfinity);
    sums.push_back(-kInfinity);
    std::vector<float> delta(sums.size(), 2.0f);
    kernels->silu_backward(sums.data(), delta.data(), delta.size());
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const double x = std::clamp<double>(sums[i], -200, 200), s = sigmoid(x);
      const double expected = s + x * s * (1 - s);
      if (!(std::abs(delta[i] / 2 - expected) <= 1e-6)) {
        FAIL(kernels->name << ": the slope at " << sums[i] << " is " << delta[i] / 2 << ", not " << expected);
      }
    }
    for (std::size_t count = 0; count < 20; ++count) {
      std::vector<float> some(20, 2.0f);
      kernels->silu_backward(sums.data(), some.data(), count);
      for (std::size_t i = 0; i < 20; ++i) REQUIRE(some[i] == (i < count ? delta[i] : 2.0f));
    }
    std::vector<float> bad(11, kNan), ones(11, 1.0f);
    kernels->silu_backward(bad.data(), ones.data(), 11);
    for (const float value : ones) REQUIRE(std::isnan(value));
  }
}

TEST_CASE("rows of any width are normalised, and derivatives go back through that") {
  Random random(4);
  constexpr std::size_t kRows = 3;
  for (const DenseKernels* kernels : kVersions) {
    for (const std::size_t width : {1, 2, 7, 8, 9, 16, 23, 64}) {
      CAPTURE(kernels->name, width);
      const auto given = normal(kRows * width, random);
      const auto gain = normal(width, random), shift = normal(width, random);
      std::vector<float> values = given, between(given.size()), scales(kRows);
      kernels->normalise_rows({.rows = kRows,
                               .width = width,
                               .gain = gain.data(),
                               .shift = shift.data(),
                               .values = values.data(),
                               .normalised = between.data(),
                               .scales = scales.data()});
      std::vector<float> alone = given;
      kernels->normalise_rows({.rows = kRows,
                               .width = width,
                               .gain = gain.data(),
                               .shift = shift.data(),
                               .values = alone.data()});
      CHECK(alone == values);

      // The loss is a linear function of the results.
      const auto by_result = normal(given.size(), random);
      std::vector<float> delta = by_result, by_gain(width, kNan), by_shift(width, kNan);
      kernels->normalise_rows_backward({.rows = kRows,
                                        .width = width,
                                        .gain = gain.data(),
                                        .normalised = between.data(),
                                        .scales = scales.data(),
                                        .delta = delta.data(),
                                        .gain_gradient = by_gain.data(),
                                        .shift_gradient = by_shift.data()});
      std::vector<double> expected_by_gain(width), expected_by_shift(width);
      for (std::size_t r = 0; r < kRows; ++r) {
        const auto at = static_cast<std::ptrdiff_t>(r * width);
        std::vector<float> row(given.begin() + at, given.begin() + at + static_cast<std::ptrdiff_t>(width));
        const auto expected = normalised(row, gain, shift);
        const auto loss = [&] {
          double sum = 0;
          const auto result = normalised(row, gain, shift);
          for (std::size_t i = 0; i < width; ++i) sum += result[i] * by_result[r * width + i];
          return sum;
        };
        for (std::size_t i = 0; i < width; ++i) {
          CHECK(values[r * width + i] == Approx(expected[i]).epsilon(1e-4).margin(1e-4));
          expected_by_shift[i] += by_result[r * width + i];
          expected_by_gain[i] += by_result[r * width + i] * (expected[i] - shift[i]) / gain[i];
          const float middle = row[i];
          row[i] = middle + 1.0f / 256;
          const double high = loss();
          row[i] = middle - 1.0f / 256;
          const double low = loss();
          row[i] = middle;
          CHECK(delta[r * width + i] ==
                Approx((high - low) * 128).epsilon(1e-2).margin(width < 3 ? 2e-1 : 2e-2));
        }
      }
      for (std::size_t i = 0; i < width; ++i) {
        CHECK(by_gain[i] == Approx(expected_by_gain[i]).epsilon(1e-3).margin(1e-3));
        CHECK(by_shift[i] == Approx(expected_by_shift[i]).epsilon(1e-4).margin(1e-4));
      }
    }
  }
}

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
