#include "run/link_figures.h"

#include <algorithm>

#include "genkidama/net/child.h"
#include "genkidama/net/environments.h"
#include "genkidama/net/parent.h"
#include "genkidama/net/peer.h"
#include "genkidama/net/shard.h"
#include "genkidama/run/metrics_page.h"

namespace genkidama::run {
namespace {

template <typename Number>
void add(std::optional<Number>& sum, const std::optional<Number>& other) {
  if (other) sum = sum.value_or(0) + *other;
}

/// Names are those of peers, of whom there may be any number.
void bound(std::vector<LinkedPeer>& peers) {
  std::sort(peers.begin(), peers.end(),
            [](const LinkedPeer& a, const LinkedPeer& b) { return a.name < b.name; });
  if (peers.size() <= kMaxPeersOnPage) return;
  LinkedPeer others;
  others.name = "(others)";
  for (auto each = peers.begin() + kMaxPeersOnPage; each != peers.end(); ++each) {
    add(others.updates, each->updates);
    add(others.steps, each->steps);
    add(others.bytes_received, each->bytes_received);
    add(others.bytes_sent, each->bytes_sent);
    others.late = others.late || each->late;
  }
  peers.resize(kMaxPeersOnPage);
  peers.push_back(std::move(others));
}

void fill(const ParentStatus& status, LinkFigures& figures) {
  figures.kind = "child";
  figures.connected = status.children.size();
  figures.bytes_received = status.bytes_received;
  figures.bytes_sent = status.bytes_sent;
  figures.joined = status.joined;
  figures.left = status.left;
  figures.refused_updates = status.refused_updates;
  figures.late_contributions = status.rounds.late;
  figures.rounds_by_deadline = status.rounds.by_deadline;
  figures.waited_seconds = status.rounds.waited_seconds;
  const PeerRefusals& by = status.refusals;
  const std::uint64_t known = by.token + by.origin + by.request + by.tls + by.quarantine + by.connections;
  figures.refused_peers = {{"token", by.token},
                           {"origin", by.origin},
                           {"request", by.request},
                           {"tls", by.tls},
                           {"quarantine", by.quarantine},
                           {"connections", by.connections},
                           {"other", status.refused_peers - std::min(known, status.refused_peers)}};
  for (const ChildStatus& child : status.children) {
    LinkedPeer peer;
    peer.name = child.name;
    peer.updates = child.updates;
    peer.steps = child.since_child_began.steps;
    peer.bytes_received = child.bytes_received;
    peer.bytes_sent = child.bytes_sent;
    peer.staleness = child.staleness;
    peer.seconds_since_update = child.seconds_since_update;
    peer.late = child.late;
    figures.peers.push_back(std::move(peer));
  }
}

/// What a Child and a peer tell of their links alike.
template <typename Progress>
void fill_exchanges(const Progress& progress, LinkFigures& figures) {
  figures.bytes_received = progress.bytes_received;
  figures.bytes_sent = progress.bytes_sent;
  figures.reconnects = progress.reconnects;
  figures.exchanges = progress.exchanges;
  figures.waited_seconds = progress.waited_seconds;
}

void fill(const ChildProgress& progress, LinkFigures& figures) {
  figures.kind = "parent";
  figures.connected = progress.connected ? 1 : 0;
  fill_exchanges(progress, figures);
}

void fill(const PeerProgress& progress, std::span<const PeerNeighbourStatus> neighbours,
          LinkFigures& figures) {
  figures.kind = "neighbour";
  figures.connected = progress.connected;
  fill_exchanges(progress, figures);
  for (const PeerNeighbourStatus& neighbour : neighbours) {
    LinkedPeer peer;
    peer.name = neighbour.name;
    peer.updates = neighbour.mixed;
    peer.staleness = neighbour.rounds_without;
    peer.distance = neighbour.distance;
    figures.peers.push_back(std::move(peer));
  }
}

void fill(const HostedEnvironmentsStatus& status, LinkFigures& figures) {
  figures.kind = "host";
  figures.connected = status.hosts.size();
  figures.bytes_received = status.bytes_received;
  figures.bytes_sent = status.bytes_sent;
  figures.joined = status.joined;
  figures.left = status.lost_hosts;
  figures.refused_updates = status.refused_frames;
  figures.lost_steps = status.lost_steps;
  figures.refused_peers = {{"any", status.refused_peers}};
  for (const EnvironmentHostStatus& host : status.hosts) {
    LinkedPeer peer;
    peer.name = host.name;
    peer.steps = host.steps;
    figures.peers.push_back(std::move(peer));
  }
}

void fill(const ShardStatus& status, LinkFigures& figures) {
  figures.kind = "learner";
  figures.connected = status.learners.size();
  figures.bytes_received = status.bytes_received;
  figures.bytes_sent = status.bytes_sent;
  figures.joined = status.joined;
  figures.refused_updates = status.refused_frames;
  figures.stale_gradients = status.stale;
  figures.refused_peers = {{"any", status.refused_peers}};
  for (const ShardLearnerStatus& learner : status.learners) {
    LinkedPeer peer;
    peer.name = learner.name;
    peer.updates = learner.gradients;
    figures.peers.push_back(std::move(peer));
  }
}

void count(PrometheusText& text, const char* name, const char* help,
           const std::optional<std::uint64_t>& value) {
  if (value) text.counter(name, help, static_cast<double>(*value));
}

/// A sample of each peer of which the figure is known.
template <typename Figure>
void each_peer(const LinkFigures& figures, PrometheusText& text, bool counts, const char* name,
               const char* help, const Figure& figure) {
  bool begun = false;
  for (const LinkedPeer& peer : figures.peers) {
    const auto value = figure(peer);
    if (!value) continue;
    if (!std::exchange(begun, true)) counts ? text.counters(name, help) : text.gauges(name, help);
    text.sample(static_cast<double>(*value), {{"peer", peer.name}});
  }
}

}  // namespace

LinkFigures link_figures(const LinksEvent& event) {
  LinkFigures figures;
  if (event.parent != nullptr) fill(*event.parent, figures);
  if (event.child != nullptr) fill(*event.child, figures);
  if (event.peer != nullptr) fill(*event.peer, event.neighbours, figures);
  if (event.hosts != nullptr) fill(*event.hosts, figures);
  if (event.shard != nullptr) fill(*event.shard, figures);
  bound(figures.peers);
  return figures;
}

void write_links(const LinkFigures& figures, PrometheusText& text) {
  text.gauges("connected_peers", "Peers whose link is joined now, by what they are here.");
  text.sample(static_cast<double>(figures.connected), {{"kind", figures.kind}});
  text.counter("received_bytes_total", "Bytes of frames from all peers, since this process began.",
               static_cast<double>(figures.bytes_received));
  text.counter("sent_bytes_total", "Bytes of frames to all peers, since this process began.",
               static_cast<double>(figures.bytes_sent));
  count(text, "joined_peers_total", "Handshakes that succeeded.", figures.joined);
  count(text, "left_peers_total", "Joined peers that went away.", figures.left);
  if (!figures.refused_peers.empty()) {
    text.counters("refused_peers_total", "Peers that were refused before they joined, by reason.");
    for (const auto& [reason, value] : figures.refused_peers)
      text.sample(static_cast<double>(value), {{"reason", reason}});
  }
  count(text, "refused_updates_total", "Frames of joined peers that were refused.", figures.refused_updates);
  count(text, "reconnects_total", "Links that were made anew after one was lost.", figures.reconnects);
  count(text, "exchanges_total", "Answers of peers that were averaged in.", figures.exchanges);
  count(text, "late_contributions_total", "Contributions that were learnt from weights of an earlier round.",
        figures.late_contributions);
  count(text, "rounds_by_deadline_total", "Rounds that a deadline has closed.", figures.rounds_by_deadline);
  count(text, "lost_steps_total", "Environment steps that no host played.", figures.lost_steps);
  count(text, "stale_gradients_total", "Gradients that were too old, since the run began.",
        figures.stale_gradients);
  if (figures.waited_seconds)
    text.counter("waited_seconds_total", "Time that was spent waiting for peers.", *figures.waited_seconds);

  each_peer(figures, text, true, "peer_updates_total",
            "Weights, segments or gradients of the peer that were taken.",
            [](const LinkedPeer& peer) { return peer.updates; });
  each_peer(figures, text, true, "peer_environment_steps_total",
            "Environment steps of the peer, as it tells.", [](const LinkedPeer& peer) { return peer.steps; });
  each_peer(figures, text, true, "peer_received_bytes_total", "Bytes of frames from the peer in its session.",
            [](const LinkedPeer& peer) { return peer.bytes_received; });
  each_peer(figures, text, true, "peer_sent_bytes_total", "Bytes of frames to the peer in its session.",
            [](const LinkedPeer& peer) { return peer.bytes_sent; });
  each_peer(figures, text, false, "peer_staleness_updates",
            "Updates since the weights from which the peer's last ones were learnt.",
            [](const LinkedPeer& peer) { return peer.staleness; });
  each_peer(figures, text, false, "peer_silence_seconds",
            "Time since the peer's last update, or since it joined.",
            [](const LinkedPeer& peer) { return peer.seconds_since_update; });
  each_peer(figures, text, false, "peer_distance_ratio",
            "Distance of the peer's weights, as a share of the own norm.",
            [](const LinkedPeer& peer) { return peer.distance; });
  each_peer(figures, text, false, "peer_late",
            "1 while the peer's next update is much later than its own rounds are.",
            [](const LinkedPeer& peer) {
              return peer.seconds_since_update ? std::optional(peer.late ? 1 : 0) : std::nullopt;
            });
}

}  // namespace genkidama::run
