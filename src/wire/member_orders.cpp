#include "genkidama/wire/member_orders.h"

#include <fmt/format.h>

#include <bit>
#include <cstdint>

#include "core/little_endian.h"
#include "genkidama/core/is_finite.h"

namespace genkidama {

void append_member_orders(const MemberOrders& orders, std::vector<std::byte>& bytes) {
  if (orders.values.empty()) return;
  const std::size_t begin = bytes.size();
  bytes.resize(begin + member_orders_bytes(orders.values.size()));
  std::byte* at = bytes.data() + begin;
  store(at, std::uint64_t{orders.takes_weights});
  for (const double value : orders.values) store(at += 8, std::bit_cast<std::uint64_t>(value));
}

Decoded<MemberOrders> decode_member_orders(std::span<const std::byte> bytes, std::size_t values) {
  MemberOrders orders;
  if (bytes.size() != member_orders_bytes(values)) {
    return WireError{
        fmt::format("{} bytes of a member's orders; expected {}", bytes.size(), member_orders_bytes(values))};
  }
  if (values == 0) return orders;
  const std::byte* at = bytes.data();
  const auto takes = load<std::uint64_t>(at);
  if (takes > 1) return WireError{fmt::format("a member's orders begin with {}; expected 0 or 1", takes)};
  orders.takes_weights = takes == 1;
  for (std::size_t i = 0; i < values; ++i) {
    const auto value = std::bit_cast<double>(load<std::uint64_t>(at += 8));
    if (!is_finite(value)) return WireError{fmt::format("hyperparameter {} of a member is {}", i, value)};
    orders.values.push_back(value);
  }
  return orders;
}

}  // namespace genkidama
