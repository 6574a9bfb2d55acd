#pragma once

/// @file
/// What a Parent tells a member of a population in each of its frames, before statistics and weights, where
/// hello and welcome both say that the exchange is "population". Everything is little-endian.

#include <cstddef>
#include <span>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/wire/decoded.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How a member of a population goes on.
struct MemberOrders {
  /// The frame's weights take the place of its own; false: it keeps its own, of which they are a copy.
  bool takes_weights = false;
  /// Of the hyperparameters that the welcome names, in their order; finite.
  std::vector<double> values;

  /// Compares both.
  friend bool operator==(const MemberOrders&, const MemberOrders&) = default;
};

/// The bytes that orders take in a frame, for so many hyperparameters; 0 for none, where there are no orders.
constexpr std::size_t member_orders_bytes(std::size_t values) {
  return values == 0 ? 0 : 8 * (1 + values);
}

/// Appends a u64, 1 where the weights are taken and 0 otherwise, and each value as f64; no values, no bytes.
void append_member_orders(const MemberOrders& orders, std::vector<std::byte>& bytes);

/// Reads member_orders_bytes(values) bytes. Refused are another first number than 0 and 1, and values that
/// are not finite. Throws nothing but std::bad_alloc.
Decoded<MemberOrders> decode_member_orders(std::span<const std::byte> bytes, std::size_t values);

}  // namespace genkidama
