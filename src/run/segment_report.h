#pragma once

// What a run tells about segments: how old they were, and how many steps were not learnt from.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "genkidama/params/segment_counts.h"
#include "genkidama/run/run_observer.h"

namespace genkidama::run {

class SegmentReport {
 public:
  /// In metrics.csv, in the order of fields().
  static std::vector<std::string> columns();

  /// Takes note of a round. Warns once when more was dropped than learnt from.
  void add(const SegmentCounts& round, std::uint64_t queued_steps);
  /// Of the latest round.
  std::vector<std::string> fields() const;
  const SegmentCounts& latest() const { return latest_; }
  /// Of this process.
  nlohmann::ordered_json json() const;
  /// The policy lag of the latest round.
  void complete(RunProgress& progress) const;

 private:
  SegmentCounts latest_, all_;
  std::uint64_t queued_steps_ = 0, rounds_ = 0;
  bool has_warned_ = false;
};

}  // namespace genkidama::run
