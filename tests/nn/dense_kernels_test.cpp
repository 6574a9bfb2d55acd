#include "nn/dense_kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "genkidama/core/random.h"
#include "nn/sum_rows.h"
#include "nn/transpose.h"
#include "support/catch.h"

using namespace genkidama;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

const std::vector<const DenseKernels*> kVersions = runnable_dense_kernels();

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
  for (const DenseKernels* kernels : kVersions) {
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

namespace {

/// Takes down the bits of what one version computes.
class Bits {
 public:
  void add(const std::vector<float>& values) {
    for (const float value : values) all_.push_back(std::bit_cast<std::uint32_t>(value));
  }
  bool operator==(const Bits& other) const = default;

 private:
  std::vector<std::uint32_t> all_;
};

/// The versions that have fused multiplication and addition.
std::vector<const DenseKernels*> fused_versions() {
  std::vector<const DenseKernels*> versions = kVersions;
  std::erase(versions, &portable_dense_kernels());
  return versions;
}

/// Calls `compute(kernels)` with each of them and requires equal bits.
template <typename Compute>
void require_equal_bits(const Compute& compute) {
  const auto versions = fused_versions();
  for (std::size_t i = 1; i < versions.size(); ++i) {
    CAPTURE(versions[i]->name);
    REQUIRE(compute(*versions[i]) == compute(*versions[0]));
  }
}

std::vector<float> product(const DenseKernels& kernels, MatrixProduct p, const std::vector<float>& a,
                           const std::vector<float>& b, const std::vector<float>& bias) {
  std::vector<float> c(p.rows * p.columns + 1, -7.0f);
  p.a = a.data();
  p.b = b.data();
  p.bias = bias.empty() ? nullptr : bias.data();
  p.c = c.data();
  kernels.multiply(p);
  CHECK(c.back() == -7.0f);
  c.pop_back();
  return c;
}

}  // namespace

TEST_CASE("the versions are listed from the portable one to the one that is chosen") {
  CHECK(kVersions.front() == &portable_dense_kernels());
  CHECK(kVersions.back() == &dense_kernels());
}

TEST_CASE("products of any size are exact in every version, and the same bits in all that fuse") {
  Random random(21);
  const std::size_t row_counts[] = {1, 2, 3, 5, 6, 7, 8, 13}, depths[] = {0, 1, 7, 20};
  for (std::size_t columns = 1; columns <= 83; columns += columns < 20 ? 1 : 3) {
    for (const std::size_t rows : row_counts) {
      for (const std::size_t depth : depths) {
        for (const bool transposed : {false, true}) {
          CAPTURE(rows, columns, depth, transposed);
          const auto a = normal(rows * depth, random), b = normal(depth * columns, random);
          const auto bias = transposed ? std::vector<float>{} : normal(columns, random);
          const MatrixProduct p{.rows = rows,
                                .columns = columns,
                                .depth = depth,
                                .a_row = transposed ? 1 : depth,
                                .a_depth = transposed ? rows : 1,
                                .b_row = columns};
          std::vector<double> exact(rows * columns);
          for (std::size_t i = 0; i < exact.size(); ++i) {
            const std::size_t r = i / columns, j = i % columns;
            exact[i] = bias.empty() ? 0 : bias[j];
            for (std::size_t k = 0; k < depth; ++k) {
              exact[i] += double{a[r * p.a_row + k * p.a_depth]} * b[k * columns + j];
            }
          }
          for (const DenseKernels* kernels : kVersions) {
            const auto c = product(*kernels, p, a, b, bias);
            for (std::size_t i = 0; i < c.size(); ++i) {
              if (std::abs(c[i] - exact[i]) > 1e-4) {
                FAIL(kernels->name << ": element " << i << " is " << c[i] << ", not " << exact[i]);
              }
            }
          }
          require_equal_bits([&](const DenseKernels& kernels) {
            Bits bits;
            bits.add(product(kernels, p, a, b, bias));
            return bits;
          });
        }
      }
    }
  }
}

TEST_CASE("layers of any size are exact in every version, and the same bits in all that fuse") {
  Random random(22);
  for (std::size_t in = 1; in <= 40; ++in) {
    for (std::size_t out = 1; out <= 20; ++out) {
      CAPTURE(in, out);
      const auto weights = normal(in * out, random), bias = normal(out, random), input = normal(in, random);
      const auto apply = [&](const DenseKernels& kernels) {
        std::vector<float> output(out + 1, -7.0f);
        kernels.apply_layer({.in = in,
                             .out = out,
                             .weights = weights.data(),
                             .bias = bias.data(),
                             .input = input.data(),
                             .output = output.data()});
        REQUIRE(output.back() == -7.0f);
        return output;
      };
      for (const DenseKernels* kernels : kVersions) {
        const auto output = apply(*kernels);
        for (std::size_t o = 0; o < out; ++o) {
          double exact = bias[o];
          for (std::size_t i = 0; i < in; ++i) exact += double{weights[o * in + i]} * input[i];
          if (std::abs(output[o] - exact) > 2e-4)
            FAIL(kernels->name << ": " << output[o] << ", not " << exact);
        }
      }
      require_equal_bits([&](const DenseKernels& kernels) {
        Bits bits;
        bits.add(apply(kernels));
        return bits;
      });
    }
  }
}

TEST_CASE("activations and normalisation give the same bits in all versions that fuse") {
  Random random(23);
  std::vector<float> values = many_values();
  for (const float x : {kInfinity, -kInfinity, kNan, 1e-40f, -1e-40f}) values.push_back(x);
  const auto in_place = [&](auto kernel) {
    require_equal_bits([&](const DenseKernels& kernels) {
      Bits bits;
      // At every place within a vector, and with every rest.
      for (std::size_t count = 0; count < 40; ++count) {
        std::vector<float> some(values.end() - 40, values.end());
        (kernels.*kernel)(some.data(), count);
        bits.add(some);
      }
      std::vector<float> all = values;
      (kernels.*kernel)(all.data(), all.size());
      bits.add(all);
      return bits;
    });
  };
  in_place(&DenseKernels::tanh_in_place);
  in_place(&DenseKernels::relu_in_place);
  in_place(&DenseKernels::sigmoid_in_place);
  in_place(&DenseKernels::silu_in_place);
  require_equal_bits([&](const DenseKernels& kernels) {
    Bits bits;
    for (std::size_t count = 0; count < 40; ++count) {
      std::vector<float> delta(40, 2.0f);
      kernels.silu_backward(values.data() + values.size() - 40, delta.data(), count);
      bits.add(delta);
      kernels.tanh_backward(values.data() + values.size() - 40, delta.data(), count);
      bits.add(delta);
    }
    return bits;
  });
  for (const std::size_t width : {1, 7, 8, 9, 16, 23, 64}) {
    const auto given = normal(3 * width, random), by_result = normal(3 * width, random);
    const auto gain = normal(width, random), shift = normal(width, random);
    require_equal_bits([&](const DenseKernels& kernels) {
      std::vector<float> forward = given, between(3 * width), scales(3), delta = by_result;
      std::vector<float> by_gain(width), by_shift(width);
      kernels.normalise_rows(
          {3, width, gain.data(), shift.data(), forward.data(), between.data(), scales.data()});
      kernels.normalise_rows_backward({3, width, gain.data(), between.data(), scales.data(), delta.data(),
                                       by_gain.data(), by_shift.data()});
      Bits bits;
      for (const auto& result : {forward, between, scales, delta, by_gain, by_shift}) bits.add(result);
      return bits;
    });
  }
}

TEST_CASE("the derivative of tanh is exact in every version, for any number of them") {
  Random random(24);
  for (const DenseKernels* kernels : kVersions) {
    for (std::size_t count = 0; count < 40; ++count) {
      const auto given = normal(41, random), outputs = normal(41, random);
      std::vector<float> delta = given;
      kernels->tanh_backward(outputs.data(), delta.data(), count);
      for (std::size_t i = 0; i < 41; ++i) {
        const double slope = i < count ? 1 - double{outputs[i]} * outputs[i] : 1;
        CHECK(delta[i] == Approx(given[i] * slope).epsilon(1e-5).margin(1e-4));
      }
    }
  }
}

TEST_CASE("rows are summed up in their order, and matrices of any size are transposed") {
  Random random(25);
  for (std::size_t rows = 0; rows <= 13; ++rows) {
    for (std::size_t width = 1; width <= 37; ++width) {
      CAPTURE(rows, width);
      const auto values = normal(rows * width, random);
      std::vector<float> expected(width, 0.0f);
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t j = 0; j < width; ++j) expected[j] += values[r * width + j];
      }
      for (const DenseKernels* kernels : kVersions) {
        std::vector<float> sums(width, kNan);
        sum_rows(*kernels, values.data(), rows, width, sums.data());
        REQUIRE(sums == expected);
      }
      const std::size_t out_row = rows + 3;
      std::vector<float> out(width * out_row, -7.0f);
      transpose(values.data(), rows, width, out.data(), out_row);
      for (std::size_t i = 0; i < out.size(); ++i) {
        const std::size_t r = i % out_row, c = i / out_row;
        REQUIRE(out[i] == (r < rows ? values[r * width + c] : -7.0f));
      }
    }
  }
}
