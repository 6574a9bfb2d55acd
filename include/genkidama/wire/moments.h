#pragma once

/// @file
/// The moments of Children's optimizers on the wire: they travel in a frame, behind the statistics and before
/// the weights, when hello and welcome both say so. Whatever the codec of the weights is, they are bfloat16:
/// the exponent of a float32, so that small means of squares do not become 0, and 8 bits of precision.

#include <cstddef>
#include <span>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/params/optimizer_moments.h"
#include "genkidama/wire/decoded.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How many moments each weight has at most.
inline constexpr std::size_t kMostMomentsOfWeight = 8;

/// The bytes that moments take in a frame, a multiple of 8; 0 for none.
constexpr std::size_t moments_bytes(std::size_t size) {
  return size == 0 ? 0 : 8 + (2 * size + 7) / 8 * 8;
}

/// Appends the steps as u64, and each value rounded to the nearest bfloat16, halves to even; no values, no
/// bytes.
void append_moments(const OptimizerMoments& moments, std::vector<std::byte>& bytes);

/// Reads moments_bytes(size) bytes. The values may still be no moments (moments_fault()); of bytes that are
/// there only to fill up, others than 0 are refused. Throws nothing but std::bad_alloc.
Decoded<OptimizerMoments> decode_moments(std::span<const std::byte> bytes, std::size_t size);

}  // namespace genkidama
