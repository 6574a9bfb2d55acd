#include "run/page/machine_table.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "genkidama/net/child.h"
#include "genkidama/net/environments.h"
#include "genkidama/net/peer.h"
#include "genkidama/net/shard.h"
#include "genkidama/net/upper_parent.h"
#include "genkidama/params/codec_kind.h"
#include "genkidama/run/live_page.h"

namespace genkidama::run {
namespace {

// The pace of a shorter time says little.
constexpr double kPaceOver_s = 2;

void add_rows(const ParentStatus& status, const InfluenceTally& influence, std::vector<MachineRow>& rows) {
  for (const ChildStatus& child : status.children) {
    MachineRow row;
    row.name = child.name;
    row.address = child.address;
    row.codec = codec_name(child.codec);
    row.late = child.late;
    row.updates = child.updates;
    row.steps = child.since_child_began.steps;
    row.staleness = child.staleness;
    row.bytes_received = child.bytes_received;
    row.bytes_sent = child.bytes_sent;
    row.seconds_since_update = child.seconds_since_update;
    row.round_seconds = child.round_seconds;
    row.influence = influence.share(child.name);
    row.agreement = influence.agreement(child.name);
    rows.push_back(std::move(row));
  }
}

void add_row(const ChildProgress& progress, std::vector<MachineRow>& rows) {
  MachineRow row;
  row.name = "parent";
  row.connected = progress.connected;
  row.updates = progress.exchanges;
  row.bytes_received = progress.bytes_received;
  row.bytes_sent = progress.bytes_sent;
  rows.push_back(std::move(row));
}

void add_rows(std::span<const PeerNeighbourStatus> neighbours, std::vector<MachineRow>& rows) {
  for (const PeerNeighbourStatus& neighbour : neighbours) {
    MachineRow row;
    row.name = neighbour.name;
    row.address = neighbour.address;
    row.flow = flow_name(neighbour.flow);
    row.connected = neighbour.connected;
    row.updates = neighbour.mixed;
    row.staleness = neighbour.rounds_without;
    row.distance = neighbour.distance;
    rows.push_back(std::move(row));
  }
}

void add_rows(const HostedEnvironmentsStatus& status, std::vector<MachineRow>& rows) {
  for (const EnvironmentHostStatus& host : status.hosts) {
    MachineRow row;
    row.name = host.name;
    row.address = host.address;
    row.environments = host.used;
    row.steps = host.steps;
    rows.push_back(std::move(row));
  }
}

void add_rows(const ShardStatus& status, std::vector<MachineRow>& rows) {
  for (const ShardLearnerStatus& learner : status.learners) {
    MachineRow row;
    row.name = learner.name;
    row.address = learner.address;
    row.updates = learner.gradients;
    rows.push_back(std::move(row));
  }
}

/// Those that need looking at come first; among equals the order of names, so that rows stay where they are.
bool comes_first(const MachineRow& a, const MachineRow& b) {
  const auto rank = [](const MachineRow& row) { return std::tuple(row.connected ? 1 : 0, row.late ? 0 : 1); };
  return std::tuple(rank(a), b.staleness.value_or(0) / 4, a.name) <
         std::tuple(rank(b), a.staleness.value_or(0) / 4, b.name);
}

}  // namespace

std::optional<double> MachineWatch::pace_of(const std::string& name, std::uint64_t steps,
                                            Clock::time_point now) {
  const auto [found, is_new] = paces_.try_emplace(name, Pace{steps, now, {}, tables_});
  Pace& pace = found->second;
  pace.table = tables_;
  const double seconds = std::chrono::duration<double>(now - pace.since).count();
  // A Child that joined anew may have fewer steps than the one before.
  if (steps < pace.steps) {
    pace = Pace{steps, now, {}, tables_};
  } else if (seconds >= kPaceOver_s) {
    pace.steps_per_second = static_cast<double>(steps - pace.steps) / seconds;
    pace.steps = steps;
    pace.since = now;
  }
  return pace.steps_per_second;
}

MachineTable MachineWatch::table_of(const LinksEvent& event, InfluenceTally& influence,
                                    Clock::time_point now) {
  MachineTable table;
  table.counts = link_figures(event);
  table.counts.peers.clear();
  if (event.parent != nullptr) {
    std::set<std::string> names;
    for (const ChildStatus& child : event.parent->children) names.insert(child.name);
    influence.keep(names);
    add_rows(*event.parent, influence, table.rows);
  }
  if (event.upper != nullptr) table.is_below = event.upper->connected;
  if (event.child != nullptr) add_row(*event.child, table.rows);
  if (event.peer != nullptr) add_rows(event.neighbours, table.rows);
  if (event.hosts != nullptr) add_rows(*event.hosts, table.rows);
  if (event.shard != nullptr) add_rows(*event.shard, table.rows);

  ++tables_;
  for (MachineRow& row : table.rows) {
    if (row.steps) row.steps_per_second = pace_of(row.name, *row.steps, now);
    table.steps_per_second += row.steps_per_second.value_or(0);
    table.late += row.late ? 1 : 0;
  }
  std::erase_if(paces_, [this](const auto& each) { return each.second.table != tables_; });

  table.machines = table.rows.size();
  const auto shown = std::min(table.rows.size(), kMaxMachinesOnLivePage);
  const auto end = table.rows.begin() + static_cast<std::ptrdiff_t>(shown);
  std::partial_sort(table.rows.begin(), end, table.rows.end(), comes_first);
  table.rows.erase(end, table.rows.end());
  return table;
}

}  // namespace genkidama::run
