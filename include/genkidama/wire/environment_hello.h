#pragma once

/// @file
/// The first message of a host of environments: which environments it offers.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/wire/decoded.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What an environment is, as far as its server must have the same.
struct EnvironmentDescription {
  std::string name;                              ///< for people, as description_text() makes it; not empty
  std::vector<std::uint64_t> observation_shape;  ///< of an observation, 1 to 8 numbers above 0
  std::vector<std::uint64_t> choices;            ///< alternatives of each choice of an action
  std::vector<float> low;                        ///< lowest value of each continuous component
  std::vector<float> high;           ///< highest value, as many as `low`; may be infinite, as those may
  bool masks_actions = false;        ///< whether a mask comes with each observation
  std::uint64_t time_limit = 0;      ///< steps of an episode
  std::vector<std::string> metrics;  ///< names of the figures at an episode's end

  /// Compares field by field.
  friend bool operator==(const EnvironmentDescription&, const EnvironmentDescription&) = default;
};

/// The first message of a link between a host and its server. The host sends it.
struct EnvironmentHello {
  std::string name;                    ///< what the host calls itself: 1 to 64 printable ASCII characters
  std::string library;                 ///< the sender's software and version, for logs
  std::uint64_t environments = 0;      ///< how many it offers, 1 to kMostHostEnvironments
  EnvironmentDescription environment;  ///< what each of them is
};

/// Returns JSON text in UTF-8.
std::string encode_environment_hello(const EnvironmentHello& hello);

/// Whether the text is a JSON object whose type is that of this message, so that decode_environment_hello()
/// is the one to read it. Throws nothing but std::bad_alloc.
bool is_environment_hello(std::string_view text);

/// Reads the message, as strictly as decode_message() does. Throws nothing but std::bad_alloc.
Decoded<EnvironmentHello> decode_environment_hello(std::string_view text);

}  // namespace genkidama
