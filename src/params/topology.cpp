#include "genkidama/params/topology.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <deque>
#include <fstream>
#include <iterator>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"

namespace genkidama {
namespace {

constexpr std::array kNames = {
    std::pair(TopologyKind::kDirectedRing, "directed-ring"), std::pair(TopologyKind::kRing, "ring"),
    std::pair(TopologyKind::kTorus, "torus"), std::pair(TopologyKind::kRandomRegular, "random-regular"),
    std::pair(TopologyKind::kFull, "full")};

/// Collects each pair of neighbours once, whatever the graph names twice.
class Neighbours {
 public:
  explicit Neighbours(std::size_t nodes) : of_(nodes) {}

  bool has(std::size_t a, std::size_t b) const {
    return std::find(of_[a].begin(), of_[a].end(), b) != of_[a].end();
  }
  void add(std::size_t a, std::size_t b) {
    if (a == b || has(a, b)) return;
    of_[a].push_back(b);
    of_[b].push_back(a);
  }
  std::vector<TopologyEdge> edges() const {
    std::vector<TopologyEdge> edges;
    for (std::size_t node = 0; node < of_.size(); ++node)
      for (const std::size_t other : of_[node]) edges.push_back({node, other});
    return edges;
  }

 private:
  std::vector<std::vector<std::size_t>> of_;
};

std::vector<TopologyEdge> torus_edges(std::size_t nodes) {
  std::size_t rows = 1;
  for (std::size_t side = 1; side * side <= nodes; ++side)
    if (nodes % side == 0) rows = side;
  const std::size_t columns = nodes / rows;
  Neighbours neighbours(nodes);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      const std::size_t node = row * columns + column;
      neighbours.add(node, row * columns + (column + 1) % columns);
      neighbours.add(node, ((row + 1) % rows) * columns + column);
    }
  }
  return neighbours.edges();
}

/// One try of the pairing model (Bollobas 1980): the ends of all edges are joined in a random order. Nothing
/// when that would make an edge twice or to itself.
std::optional<std::vector<TopologyEdge>> pair_ends(std::size_t nodes, std::size_t degree, Random& random) {
  std::vector<std::size_t> ends;
  for (std::size_t node = 0; node < nodes; ++node) ends.insert(ends.end(), degree, node);
  Neighbours neighbours(nodes);
  while (!ends.empty()) {
    const std::size_t a = ends.back();
    ends.pop_back();
    // A partner that fits, so that nearly every try comes to an end (Steger and Wormald 1999).
    std::vector<std::size_t> fitting;
    for (std::size_t i = 0; i < ends.size(); ++i)
      if (ends[i] != a && !neighbours.has(a, ends[i])) fitting.push_back(i);
    if (fitting.empty()) return std::nullopt;
    const std::size_t chosen = fitting[random.below(fitting.size())];
    neighbours.add(a, ends[chosen]);
    std::swap(ends[chosen], ends.back());
    ends.pop_back();
  }
  return neighbours.edges();
}

Topology random_regular(std::size_t nodes, std::size_t degree, std::uint64_t seed) {
  if (degree < 1 || degree >= nodes || nodes * degree % 2 != 0) {
    throw ArgumentError(
        fmt::format("no graph of {} machines has {} neighbours for each; expected 1 to {}, and an even "
                    "product of both numbers",
                    nodes, degree, nodes - 1));
  }
  constexpr int kTries = 1'000;
  Random random(seed);
  for (int tried = 0; tried < kTries; ++tried) {
    const auto edges = pair_ends(nodes, degree, random);
    if (!edges) continue;
    Topology topology(nodes, *edges);
    if (topology.is_connected()) return topology;
  }
  throw ArgumentError(
      fmt::format("no connected graph of {} machines with {} neighbours each was found in {} tries; give "
                  "each at least 2 neighbours, or another seed",
                  nodes, degree, kTries));
}

struct Line {
  std::size_t from = 0, to = 0;
  bool one_way = false;
};

std::optional<std::size_t> read_number(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r") == std::string_view::npos;
}

/// Nothing when the line is none of an edge.
std::optional<Line> read_line(std::string_view text) {
  Line line;
  const auto from = read_number(text);
  if (!from) return std::nullopt;
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  if (!text.empty() && text.front() == '>') {
    line.one_way = true;
    text.remove_prefix(1);
  }
  const auto to = read_number(text);
  if (!to || !is_blank(text)) return std::nullopt;
  line.from = *from;
  line.to = *to;
  return line;
}

}  // namespace

const char* topology_name(TopologyKind kind) {
  for (const auto& [each, name] : kNames)
    if (each == kind) return name;
  return "?";
}

std::optional<TopologyKind> topology_of(std::string_view name) {
  for (const auto& [kind, each] : kNames)
    if (name == each) return kind;
  return std::nullopt;
}

Topology::Topology(std::size_t nodes, const std::vector<TopologyEdge>& edges) {
  if (nodes < 1 || nodes > kMostNodes)
    throw ArgumentError(fmt::format("a graph of {} machines; expected 1 to {}", nodes, kMostNodes));
  targets_.resize(nodes);
  sources_.resize(nodes);
  for (const TopologyEdge& edge : edges) {
    if (edge.from >= nodes || edge.to >= nodes || edge.from == edge.to) {
      throw ArgumentError(fmt::format("an edge from machine {} to machine {}; expected two of 0 to {}",
                                      edge.from, edge.to, nodes - 1));
    }
    targets_[edge.from].push_back(edge.to);
    sources_[edge.to].push_back(edge.from);
  }
  for (auto* lists : {&targets_, &sources_})
    for (auto& list : *lists) std::sort(list.begin(), list.end());
  for (std::size_t node = 0; node < nodes; ++node) {
    const auto twice = std::adjacent_find(targets_[node].begin(), targets_[node].end());
    if (twice != targets_[node].end())
      throw ArgumentError(fmt::format("the edge from machine {} to machine {} is there twice", node, *twice));
  }
}

Topology Topology::make(TopologyKind kind, std::size_t nodes, std::size_t degree, std::uint64_t seed) {
  if (nodes < 1 || nodes > kMostNodes)
    throw ArgumentError(fmt::format("a graph of {} machines; expected 1 to {}", nodes, kMostNodes));
  std::vector<TopologyEdge> edges;
  if (nodes == 1) return Topology(1, edges);
  Neighbours neighbours(nodes);
  switch (kind) {
    case TopologyKind::kDirectedRing:
      for (std::size_t node = 0; node < nodes; ++node) edges.push_back({node, (node + 1) % nodes});
      break;
    case TopologyKind::kRing:
      for (std::size_t node = 0; node < nodes; ++node) neighbours.add(node, (node + 1) % nodes);
      edges = neighbours.edges();
      break;
    case TopologyKind::kTorus:
      edges = torus_edges(nodes);
      break;
    case TopologyKind::kRandomRegular:
      return random_regular(nodes, degree, seed);
    case TopologyKind::kFull:
      for (std::size_t from = 0; from < nodes; ++from)
        for (std::size_t to = 0; to < nodes; ++to)
          if (from != to) edges.push_back({from, to});
      break;
  }
  return Topology(nodes, edges);
}

Topology Topology::parse(std::string_view text, const std::string& where) {
  std::vector<TopologyEdge> edges;
  std::size_t nodes = 0, number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view content = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    content = content.substr(0, content.find('#'));
    if (is_blank(content)) continue;
    const auto line = read_line(content);
    if (!line || line->from >= kMostNodes || line->to >= kMostNodes || line->from == line->to) {
      throw FormatError(fmt::format(
          "{}, line {}: no edge; expected two different machines from 0 to {}, as in '0 1' or '0 > 1'", where,
          number, kMostNodes - 1));
    }
    edges.push_back({line->from, line->to});
    if (!line->one_way) edges.push_back({line->to, line->from});
    nodes = std::max({nodes, line->from + 1, line->to + 1});
  }
  if (nodes == 0) throw FormatError(fmt::format("{}: no edge; expected at least one line as '0 1'", where));
  try {
    return Topology(nodes, edges);
  } catch (const ArgumentError& error) {
    throw FormatError(fmt::format("{}: {}", where, error.what()));
  }
}

Topology Topology::read(const std::filesystem::path& file) {
  constexpr std::size_t kMostBytes = std::size_t{16} << 20;
  std::ifstream stream(file, std::ios::binary);
  std::string text(kMostBytes + 1, '\0');
  if (stream) stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream.is_open() || stream.bad())
    throw IoError(fmt::format("{} cannot be read; expected a file of edges", file.string()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > kMostBytes)
    throw FormatError(fmt::format("{} has more than {} bytes", file.string(), kMostBytes));
  return parse(text, file.string());
}

bool Topology::has_edge(std::size_t from, std::size_t to) const {
  return std::binary_search(targets_[from].begin(), targets_[from].end(), to);
}

bool Topology::is_undirected() const {
  return targets_ == sources_;
}

std::vector<std::optional<std::size_t>> Topology::distances_from(std::size_t node) const {
  std::vector<std::optional<std::size_t>> distances(nodes());
  distances[node] = 0;
  std::deque<std::size_t> next = {node};
  while (!next.empty()) {
    const std::size_t from = next.front();
    next.pop_front();
    for (const std::size_t to : targets_[from]) {
      if (distances[to]) continue;
      distances[to] = *distances[from] + 1;
      next.push_back(to);
    }
  }
  return distances;
}

bool Topology::is_connected() const {
  // From one machine to all, and, in the graph turned round, from all to that one.
  const auto reaches_all = [](const Topology& graph) {
    const auto distances = graph.distances_from(0);
    return std::all_of(distances.begin(), distances.end(), [](const auto& each) { return each.has_value(); });
  };
  if (!reaches_all(*this)) return false;
  Topology turned = *this;
  std::swap(turned.targets_, turned.sources_);
  return reaches_all(turned);
}

std::optional<std::size_t> Topology::diameter() const {
  std::size_t greatest = 0;
  for (std::size_t node = 0; node < nodes(); ++node) {
    for (const auto& distance : distances_from(node)) {
      if (!distance) return std::nullopt;
      greatest = std::max(greatest, *distance);
    }
  }
  return greatest;
}

}  // namespace genkidama
