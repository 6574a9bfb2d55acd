#include "run/state/resumed_session.h"

#include <fmt/format.h>

#include "genkidama/core/log.h"

namespace genkidama::run {

bool goes_on_with_session(const std::optional<ResumedSession>& resumed, const char* who, const char* whose) {
  constexpr double kFreshSeconds = 120;
  if (!resumed || resumed->session.run_id.empty()) return false;
  const auto age = seconds_between(resumed->written, machine_time());
  const bool fresh = age && *age <= kFreshSeconds;
  log(LogLevel::kInfo, "the resumed state is {}: {} {}",
      age ? fmt::format("{:.0f} s old", *age) : "from before this machine was started", who,
      fresh ? "goes on with its session" : fmt::format("takes {} weights", whose));
  return fresh;
}

}  // namespace genkidama::run
