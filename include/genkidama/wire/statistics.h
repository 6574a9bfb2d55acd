#pragma once

/// @file
/// Running statistics on the wire: they travel in a frame, between its header and the weights, when hello and
/// welcome name the same number of components. A Child tells all that it has counted itself since it began;
/// its hello says the number of its stream. A Parent answers with what all other streams have counted.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/params/running_statistics.h"
#include "genkidama/wire/decoded.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The greatest number of components: as many as an observation of a large image has.
inline constexpr std::size_t kMaxStatisticsComponents = std::size_t{1} << 20;

/// The bytes that statistics of so many components take in a frame; 0 for none.
constexpr std::size_t statistics_bytes(std::size_t components) {
  return components == 0 ? 0 : 8 * (1 + 2 * components);
}

/// Writes the count, the means and the sums of squares as float64 over `bytes`, whose memory is used again.
/// Statistics without components give no bytes.
void encode_statistics(const RunningStatistics& statistics, std::vector<std::byte>& bytes);

/// Reads statistics_bytes(components) bytes. The statistics are sound (RunningStatistics::fault()) or
/// refused. Throws nothing but std::bad_alloc.
Decoded<RunningStatistics> decode_statistics(std::span<const std::byte> bytes, std::size_t components);

}  // namespace genkidama
