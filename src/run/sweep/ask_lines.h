#pragma once

/// @file
/// The lines of JSON between a sweep and the program that chooses its settings.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/run/sweep.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

inline constexpr std::size_t kMostAskedOptions = 100;

/// A line from the other side.
struct AskAnswer {
  bool ends = false;       ///< {"end": true}: nothing more will come
  std::size_t number = 0;  ///< the question that is answered
  SweepPoint point = {};   ///< the setting
};

/// Throws ArgumentError, which says what is wrong and what was expected. `question` is the one that stands.
AskAnswer answer_in(const std::string& line, std::size_t question);

/// {"sweep": 1, "trials": N}: the version of the protocol, and how many trials are known.
std::string hello_line(std::size_t trials);
/// {"known": N, "setting": {...}, "value": X}; X is null of a trial that goes on and is told later.
std::string known_line(std::size_t number, const SweepPoint& point, std::optional<double> value);
/// {"ask": N}
std::string ask_line(std::size_t number);
/// {"tell": N, "value": X, "steps": N, "means": [X, ...]}
std::string tell_line(std::size_t number, double value, std::uint64_t steps,
                      const std::vector<double>& means);
/// {"tell": N, "value": X, "same_as": M}: the setting is that of another trial.
std::string same_line(std::size_t number, double value, std::size_t other);
/// {"tell": N, "failed": TEXT}
std::string failed_line(std::size_t number, const std::string& why);
/// {"refused": N, "why": TEXT}
std::string refused_line(std::size_t number, const std::string& why);
/// {"end": TEXT}
std::string end_line(const std::string& why);

}  // namespace run
}  // namespace genkidama
