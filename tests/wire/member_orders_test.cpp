#include "genkidama/wire/member_orders.h"

#include <cstdint>
#include <limits>
#include <vector>

#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

std::vector<std::byte> bytes_of(const MemberOrders& orders) {
  std::vector<std::byte> bytes;
  append_member_orders(orders, bytes);
  return bytes;
}

}  // namespace

TEST_CASE("a member's orders are a flag and its values as float64, in little-endian bytes") {
  const MemberOrders orders{true, {1.5, -2}};
  const auto bytes = bytes_of(orders);
  CHECK(member_orders_bytes(2) == 24);
  const std::vector<std::uint8_t> expected{1, 0, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0,
                                           0, 0, 0xf8, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0};
  REQUIRE(bytes.size() == expected.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) CHECK(std::to_integer<int>(bytes[i]) == expected[i]);
  const auto read = decode_member_orders(bytes, 2);
  REQUIRE(read.ok());
  CHECK(read.value() == orders);
}

TEST_CASE("without values there are no orders, and no bytes") {
  CHECK(member_orders_bytes(0) == 0);
  CHECK(bytes_of({true, {}}).empty());
  const auto read = decode_member_orders({}, 0);
  REQUIRE(read.ok());
  CHECK(read.value() == MemberOrders{});
}

TEST_CASE("orders that are damaged are refused with a reason") {
  const auto refused = [](const std::vector<std::byte>& bytes, std::size_t values) {
    const auto read = decode_member_orders(bytes, values);
    REQUIRE_FALSE(read.ok());
    return read.reason();
  };
  auto bytes = bytes_of({true, {1, 2}});
  CHECK(refused(bytes, 3) == "24 bytes of a member's orders; expected 32");
  CHECK(refused(bytes, 0) == "24 bytes of a member's orders; expected 0");
  bytes[0] = std::byte{2};
  CHECK(refused(bytes, 2) == "a member's orders begin with 2; expected 0 or 1");
  CHECK_THAT(refused(bytes_of({false, {1, std::numeric_limits<double>::quiet_NaN()}}), 2),
             Contains("hyperparameter 1 of a member is"));
  CHECK_THAT(refused(bytes_of({false, {std::numeric_limits<double>::infinity()}}), 1), Contains("is inf"));
}
