// Input: a byte each for the floats of an observation, the floats of an action, the bytes of a mask and the
// metrics, a byte whose lowest bit says that the frame's checksum is put right, and a frame. All bytes are
// read as a host's hello too.

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "fuzz/targets.h"
#include "genkidama/wire/environment_frames.h"
#include "genkidama/wire/environment_hello.h"

namespace genkidama::fuzz {
namespace {

constexpr std::size_t kChecksumAt = 8;

bool are_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

template <typename Row>
void require_one_form(const std::vector<Row>& rows, std::span<const std::byte> bytes) {
  EnvironmentFrame frame;
  for (const Row& row : rows) frame.add(row);
  const auto again = frame.finish();
  require(std::equal(bytes.begin(), bytes.end(), again.begin(), again.end()), "a sound frame has one form");
}

void try_requests(std::span<const std::byte> bytes, const EnvironmentSizes& sizes) {
  std::vector<float> values;
  const auto rows = decode_environment_requests(bytes, sizes, values);
  if (!rows.ok()) return require_printable(rows.reason());
  for (const EnvironmentRequest& row : rows.value()) {
    require(row.is_reset || row.action.size() == sizes.action, "an action has its width");
    require(are_finite(row.action), "actions are finite");
  }
  require_one_form(rows.value(), bytes);
}

void try_answers(std::span<const std::byte> bytes, const EnvironmentSizes& sizes) {
  std::vector<float> values;
  const auto rows = decode_environment_answers(bytes, sizes, values);
  if (!rows.ok()) return require_printable(rows.reason());
  for (const EnvironmentAnswer& row : rows.value()) {
    require(row.lost || row.observation.size() == sizes.observation, "an observation has its width");
    require(are_finite(row.observation) && are_finite(row.metrics) && std::isfinite(row.reward),
            "all numbers are finite");
    require(!(row.terminated && row.truncated), "an episode ends in one way");
    require(std::all_of(row.mask.begin(), row.mask.end(), [](auto byte) { return byte <= 1; }),
            "a sound mask");
  }
  require_one_form(rows.value(), bytes);
}

void try_hello(std::string_view text) {
  const auto hello = decode_environment_hello(text);
  if (!hello.ok()) return require_printable(hello.reason());
  require(is_environment_hello(text), "what is read is one");
  const auto again = decode_environment_hello(encode_environment_hello(hello.value()));
  require(again.ok() && again.value().environment == hello.value().environment &&
              again.value().environments == hello.value().environments,
          "a hello that was read can be sent on");
}

}  // namespace

void environments(Input input) {
  try_hello(text_of(input));
  if (input.size() < 5) return;
  const EnvironmentSizes sizes{input[0] % 8u, input[1] % 8u, input[2] % 8u, input[3] % 8u};
  const auto given = std::as_bytes(input.subspan(5));
  std::vector<std::byte> bytes(given.begin(), given.end());
  if ((input[4] & 1) != 0 && bytes.size() >= kEnvironmentHeaderBytes) {
    std::fill_n(bytes.begin() + kChecksumAt, 8, std::byte{0});
    const std::uint64_t checksum = XXH3_64bits(bytes.data(), bytes.size());
    for (std::size_t i = 0; i < 8; ++i) bytes[kChecksumAt + i] = static_cast<std::byte>(checksum >> (8 * i));
  }
  try_requests(bytes, sizes);
  try_answers(bytes, sizes);
}

}  // namespace genkidama::fuzz
