#pragma once

/// @file
/// What a page says of a run's links, whatever kind of run it is.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/run/run_observer.h"
#include "run/metrics/prometheus_text.h"

namespace genkidama::run {

/// A machine at the other end of a link. What is not known of its kind is empty.
struct LinkedPeer {
  std::string name;
  std::optional<std::uint64_t> updates;  ///< weights, segments or gradients of it that were taken
  std::optional<std::uint64_t> steps;
  std::optional<std::uint64_t> bytes_received, bytes_sent;
  std::optional<std::uint64_t> staleness;
  std::optional<double> seconds_since_update;
  std::optional<double> distance;  ///< of a neighbour's weights from those here
  bool late = false;
};

/// Counts of this process.
struct LinkFigures {
  std::string kind;  ///< of peers: "child", "parent", "host", "learner", "neighbour"
  std::uint64_t connected = 0;
  std::uint64_t bytes_received = 0, bytes_sent = 0;
  std::optional<std::uint64_t> joined, left, refused_updates, reconnects, exchanges, lost_steps,
      stale_gradients;
  std::optional<std::uint64_t> late_contributions, rounds_by_deadline;
  std::optional<double> waited_seconds;
  std::vector<std::pair<std::string, std::uint64_t>> refused_peers;  ///< by reason
  std::vector<LinkedPeer> peers;                                     ///< by name, at most kMaxPeersOnPage + 1
};

LinkFigures link_figures(const LinksEvent& event);

void write_links(const LinkFigures& figures, PrometheusText& text);

}  // namespace genkidama::run
