#pragma once

/// @file
/// What a server and the hosts of its environments send to each other: requests to reset or to step
/// environments, and the answers. A frame has a row for each environment that it is about. Everything is
/// little-endian.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/wire/decoded.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The exchange that hello and welcome name between a server and a host of environments.
inline constexpr const char* kEnvironmentsExchange = "environments";

/// The most environments that one host offers.
inline constexpr std::size_t kMostHostEnvironments = 4'096;
/// The size of what comes before the rows.
inline constexpr std::size_t kEnvironmentHeaderBytes = 16;
/// The most bytes of rows in a frame, as long as it has more than one.
inline constexpr std::size_t kMostEnvironmentRowBytes = std::size_t{64} << 20;

/// How wide the rows are, which both sides know from the environment's description.
struct EnvironmentSizes {
  std::size_t observation = 0;  ///< floats
  std::size_t action = 0;       ///< floats
  std::size_t mask = 0;         ///< bytes; 0: actions are not masked
  std::size_t metrics = 0;      ///< floats at an episode's end
};

/// What an environment is to do.
struct EnvironmentRequest {
  std::uint16_t environment = 0;  ///< among the host's, from 0
  std::uint8_t ticket = 0;        ///< counts the requests of this environment on this link, modulo 256
  bool is_reset = false;          ///< begins an episode from `seed`; otherwise plays `action`
  std::uint64_t seed = 0;         ///< of an episode
  std::span<const float> action;  ///< EnvironmentSizes::action floats, finite
};

/// What an environment has done.
struct EnvironmentAnswer {
  std::uint16_t environment = 0;       ///< as in the request
  std::uint8_t ticket = 0;             ///< as in the request
  bool is_reset = false;               ///< the answer to a reset, which has an observation and a mask
  bool terminated = false;             ///< see StepResult; never together with `truncated`
  bool truncated = false;              ///< as above
  bool lost = false;                   ///< the step was not played; nothing else is told then
  float reward = 0;                    ///< of a step, finite
  std::span<const float> observation;  ///< EnvironmentSizes::observation floats, finite
  std::span<const float> metrics;      ///< of a step that ends the episode, where there are any; finite
  /// Of the actions that may follow, where they are masked and the episode has not terminated. The bytes are
  /// as the peer sent them.
  std::span<const std::uint8_t> mask;
};

/// The size of the largest row, of requests or of answers.
std::size_t request_row_bytes(const EnvironmentSizes& sizes);
/// As above, of answers.
std::size_t answer_row_bytes(const EnvironmentSizes& sizes);
/// How many rows of so many bytes a frame may have: at least 1.
std::size_t most_environment_rows(std::size_t row_bytes);

/// Puts a frame together, in memory that is used again.
class EnvironmentFrame {
 public:
  /// Begins an empty frame in this memory.
  explicit EnvironmentFrame(std::vector<std::byte> memory = {});

  /// Adds a row. Requests and answers never stand in one frame.
  void add(const EnvironmentRequest& request);
  /// As above.
  void add(const EnvironmentAnswer& answer);
  /// Rows so far.
  std::size_t count() const { return count_; }
  /// Writes the header, and returns the frame. There is at least one row.
  std::vector<std::byte> finish();

 private:
  std::byte* grow(std::size_t bytes);

  std::vector<std::byte> bytes_;
  std::size_t count_ = 0;
  bool is_answers_ = false;
};

/// Reads a frame of requests: checks magic, type, count, size, flags, checksum, and that actions are finite.
/// The actions lie in `values`. Throws nothing but std::bad_alloc.
Decoded<std::vector<EnvironmentRequest>> decode_environment_requests(std::span<const std::byte> frame,
                                                                     const EnvironmentSizes& sizes,
                                                                     std::vector<float>& values);

/// Reads a frame of answers with the same checks of everything in it but the masks' bytes, which must be 0 or
/// 1. Floats lie in `values`, and masks in `frame`. Throws nothing but std::bad_alloc.
Decoded<std::vector<EnvironmentAnswer>> decode_environment_answers(std::span<const std::byte> frame,
                                                                   const EnvironmentSizes& sizes,
                                                                   std::vector<float>& values);

}  // namespace genkidama
