#pragma once

/// @file
/// The machines of a run as a live page shows them, whatever kind of run it is.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/run/run_observer.h"
#include "run/link_figures.h"
#include "run/page/influence_tally.h"

namespace genkidama::run {

/// A machine at the other end of a link. What is not known of its kind is empty.
struct MachineRow {
  std::string name, address, codec;
  std::string flow;  ///< of a neighbour: "both", "sends", "receives"
  bool connected = true, late = false;
  std::optional<std::uint64_t> updates, steps, staleness, bytes_received, bytes_sent, environments;
  std::optional<double> steps_per_second, seconds_since_update, round_seconds, distance;
  std::optional<double> influence;  ///< share of what all have moved
  std::optional<double> agreement;
};

struct MachineTable {
  LinkFigures counts;            ///< but for its peers
  std::vector<MachineRow> rows;  ///< those first that need looking at
  std::size_t machines = 0;      ///< rows, and those that are left out
  std::size_t late = 0;          ///< of all machines
  double steps_per_second = 0;   ///< as above, as far as it is known
  std::optional<bool> is_below;  ///< a Parent below another one: whether that link is joined
};

/// Makes tables one after the other, and so knows the pace of each machine in between.
class MachineWatch {
 public:
  /// Forgets machines that are gone, in `influence` too.
  MachineTable table_of(const LinksEvent& event, InfluenceTally& influence, Clock::time_point now);

 private:
  struct Pace {
    std::uint64_t steps = 0;
    Clock::time_point since;
    std::optional<double> steps_per_second;
    std::uint64_t table = 0;  ///< in which it was seen last
  };

  std::optional<double> pace_of(const std::string& name, std::uint64_t steps, Clock::time_point now);

  std::map<std::string, Pace> paces_;
  std::uint64_t tables_ = 0;
};

/// As a JSON object. It has at most kMaxMachinesOnLivePage rows.
std::string json_of(const MachineTable& table);

}  // namespace genkidama::run
