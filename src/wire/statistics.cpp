#include "genkidama/wire/statistics.h"

#include <bit>
#include <string>

#include "core/little_endian.h"

namespace genkidama {

void encode_statistics(const RunningStatistics& statistics, std::vector<std::byte>& bytes) {
  bytes.resize(statistics_bytes(statistics.components()));
  std::byte* at = bytes.data();
  for (const double value : statistics.values()) {
    store(at, std::bit_cast<std::uint64_t>(value));
    at += sizeof value;
  }
}

Decoded<RunningStatistics> decode_statistics(std::span<const std::byte> bytes, std::size_t components) {
  if (components == 0) return RunningStatistics();
  std::vector<double> values;
  values.reserve(bytes.size() / sizeof(double));
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(double)) {
    values.push_back(std::bit_cast<double>(load<std::uint64_t>(bytes.data() + at)));
  }
  if (const std::string wrong = RunningStatistics::fault(values); !wrong.empty()) {
    return WireError{"statistics of a frame: " + wrong};
  }
  return RunningStatistics(values);
}

}  // namespace genkidama
