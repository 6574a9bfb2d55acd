#pragma once

// What a run tells about the hosts that step its environments.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "genkidama/net/environments.h"

namespace genkidama::run {

class HostReport {
 public:
  /// In metrics.csv, in the order of fields().
  static std::vector<std::string> columns();

  /// Of an update: what has happened since the one before.
  std::vector<std::string> fields(const HostedEnvironmentsStatus& now);

 private:
  HostedEnvironmentsStatus before_;
};

/// Of this process, for summary.json.
nlohmann::ordered_json to_json(const HostedEnvironmentsStatus& status);

}  // namespace genkidama::run
