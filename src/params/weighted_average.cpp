#include "genkidama/params/weighted_average.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"

namespace genkidama {
namespace {

// GCC's and Clang's vectors; the compiler makes of them what the target has, SSE2 or NEON at least. What most
// loops below do is bound by memory for large networks, and takes less than a microsecond for small ones, so
// that versions for newer processors would bring nothing. The norm has one: it is taken of every gradient.
using Bits = std::int32_t __attribute__((vector_size(16)));
using Floats = float __attribute__((vector_size(16)));
// Clang heeds the alignment of an alias only where it is written like this.
using UnalignedBits [[gnu::aligned(4), gnu::may_alias]] = Bits;
using Doubles = double __attribute__((vector_size(32)));
constexpr std::size_t kLanes = 4;

constexpr std::int32_t kExponentBits = 0x7f800000;

/// The floats from `at` on, which need not be aligned: those of a frame with statistics are not. An alias
/// with its own alignment would not do: GCC 12 forgets it in some expressions.
[[gnu::always_inline]] inline Floats floats_at(const float* at) {
  Floats floats;
  std::memcpy(&floats, at, sizeof floats);
  return floats;
}

// Works on the bits so that no compiler flag about finite arithmetic can remove it.
bool all_finite(std::span<const float> block) {
  const Bits exponent = Bits{} + kExponentBits;
  Bits found[2] = {};
  const float* const at = block.data();
  std::size_t i = 0;
  for (; i + 2 * kLanes <= block.size(); i += 2 * kLanes) {
    for (std::size_t v = 0; v < 2; ++v) {
      found[v] |= (*reinterpret_cast<const UnalignedBits*>(at + i + kLanes * v) & exponent) == exponent;
    }
  }
  found[0] |= found[1];
  std::int32_t any = found[0][0] | found[0][1] | found[0][2] | found[0][3];
  for (; i < block.size(); ++i) any |= is_finite(at[i]) ? 0 : -1;
  return any == 0;
}

void check_sizes(std::size_t into, std::size_t other) {
  if (into == other) return;
  throw ArgumentError(
      fmt::format("cannot average {} weights with {}: both must come from the same network", into, other));
}

/// What both sides of an average are multiplied with.
struct Factors {
  explicit Factors(double weight)
      : keep(static_cast<float>(1.0 - weight)), take(static_cast<float>(weight)) {}
  float keep, take;
};

/// In the order of sixteen sums, whatever the target has.
[[gnu::always_inline]] inline double euclidean_norm_body(std::span<const float> values) {
  // One sum alone would wait for each addition before the next; an array of them does not stay in registers.
  Doubles first{}, second{}, third{}, fourth{};
  std::size_t i = 0;
  for (; i + 4 * kLanes <= values.size(); i += 4 * kLanes) {
    const float* const at = values.data() + i;
    const Floats p = floats_at(at), q = floats_at(at + kLanes);
    const Floats r = floats_at(at + 2 * kLanes), t = floats_at(at + 3 * kLanes);
    // GCC 12 makes one instruction of this, and several of __builtin_convertvector.
    const Doubles a = Doubles{p[0], p[1], p[2], p[3]}, b = Doubles{q[0], q[1], q[2], q[3]};
    const Doubles c = Doubles{r[0], r[1], r[2], r[3]}, d = Doubles{t[0], t[1], t[2], t[3]};
    first += a * a;
    second += b * b;
    third += c * c;
    fourth += d * d;
  }
  const Doubles sum = (first + second) + (third + fourth);
  double total = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  for (; i < values.size(); ++i) total += double{values[i]} * double{values[i]};
  return std::sqrt(total);
}

double euclidean_norm_portable(std::span<const float> values) {
  return euclidean_norm_body(values);
}

#if defined(__x86_64__)
// Without fused multiplication and addition: the same bits.
[[gnu::target("avx2")]] double euclidean_norm_avx2(std::span<const float> values) {
  return euclidean_norm_body(values);
}
#endif

}  // namespace

std::size_t first_non_finite(std::span<const float> weights) {
  // A loop that can stop at any element does not vectorise; one that can stop at any block does.
  constexpr std::size_t kBlock = 1024;
  for (std::size_t start = 0; start < weights.size(); start += kBlock) {
    const auto block = weights.subspan(start, std::min(kBlock, weights.size() - start));
    if (all_finite(block)) continue;
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (!is_finite(block[i])) return start + i;
    }
  }
  return weights.size();
}

void check_mixing_weight(double value, const char* name) {
  if (!is_finite(value) || value < 0.0 || value > 1.0) {
    throw ArgumentError(fmt::format("{} is {}; give a number from 0 to 1", name, value));
  }
}

double euclidean_norm(std::span<const float> values) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return euclidean_norm_avx2(values);
#endif
  return euclidean_norm_portable(values);
}

void weighted_average(std::span<float> into, std::span<const float> other, double weight) {
  check_mixing_weight(weight, "weight");
  check_sizes(into.size(), other.size());
  // A pass of its own, although memory is what costs: nothing may be written before all was looked at.
  if (const std::size_t bad = first_non_finite(other); bad != other.size()) {
    throw ArgumentError(fmt::format(
        "cannot average: element {} of the other weights is {}, not a finite number", bad, other[bad]));
  }
  average_finite(into, other, weight);
}

void average_finite(std::span<float> into, std::span<const float> other, double weight) {
  check_mixing_weight(weight, "weight");
  check_sizes(into.size(), other.size());
  // The formula alone would turn -0 into 0.
  if (weight == 0.0) return;
  if (weight == 1.0) {
    std::copy(other.begin(), other.end(), into.begin());
    return;
  }
  const Factors factors(weight);
  const std::size_t size = into.size();
  float* const to = into.data();
  const float* const from = other.data();
  for (std::size_t i = 0; i < size; ++i) to[i] = factors.keep * to[i] + factors.take * from[i];
}

void average_finite_since(std::span<float> local, std::span<const float> snapshot,
                          std::span<const float> other, double weight) {
  check_mixing_weight(weight, "weight");
  check_sizes(local.size(), snapshot.size());
  check_sizes(local.size(), other.size());
  if (weight == 0.0) return;
  const Factors factors(weight);
  const std::size_t size = local.size();
  float* const to = local.data();
  const float* const before = snapshot.data();
  const float* const from = other.data();
  if (weight == 1.0) {
    // 0 * before would be NaN for an infinity, and -0 for a negative number.
    for (std::size_t i = 0; i < size; ++i) to[i] = from[i] + (to[i] - before[i]);
    return;
  }
  for (std::size_t i = 0; i < size; ++i) {
    const float averaged = factors.keep * before[i] + factors.take * from[i];
    to[i] = averaged + (to[i] - before[i]);
  }
}

}  // namespace genkidama
