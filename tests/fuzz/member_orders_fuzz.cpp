// Input: a byte with the number of values, and the bytes of a member's orders.

#include <algorithm>
#include <cmath>
#include <vector>

#include "fuzz/targets.h"
#include "genkidama/wire/member_orders.h"

namespace genkidama::fuzz {

void member_orders(Input input) {
  if (input.empty()) return;
  const auto bytes = std::as_bytes(input.subspan(1));
  const auto decoded = decode_member_orders(bytes, input[0]);
  if (!decoded.ok()) return require_printable(decoded.reason());
  const MemberOrders& orders = decoded.value();
  require(orders.values.size() == input[0], "there are as many values as were asked for");
  require(std::all_of(orders.values.begin(), orders.values.end(),
                      [](double value) { return std::isfinite(value); }),
          "values are finite");
  std::vector<std::byte> again;
  append_member_orders(orders, again);
  require(std::equal(bytes.begin(), bytes.end(), again.begin(), again.end()), "sound orders have one form");
}

}  // namespace genkidama::fuzz
