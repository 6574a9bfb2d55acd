#pragma once

/// @file
/// Who is whose neighbour among machines that average their weights without a centre.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The bundled graphs.
enum class TopologyKind {
  kDirectedRing,   ///< each machine sends to the next one (GALA)
  kRing,           ///< each machine and the next one are neighbours
  kTorus,          ///< a grid as square as possible, whose opposite sides touch
  kRandomRegular,  ///< each machine has as many neighbours, drawn at random
  kFull,           ///< all are neighbours of all
};

/// The name of a graph: "directed-ring", "ring", "torus", "random-regular", "full".
const char* topology_name(TopologyKind kind);
/// The graph of that name; nothing when there is none.
std::optional<TopologyKind> topology_of(std::string_view name);

/// One machine sends to another.
struct TopologyEdge {
  std::size_t from = 0;  ///< the number of the machine that sends, from 0
  std::size_t to = 0;    ///< the number of the machine that receives, from 0

  /// Compares both ends.
  friend bool operator==(const TopologyEdge&, const TopologyEdge&) = default;
};

/// A directed graph of machines. Where both of two machines send to the other, they are neighbours as in an
/// undirected graph. No machine sends to itself, and no edge is there twice.
class Topology {
 public:
  /// The most machines of a graph.
  static constexpr std::size_t kMostNodes = 10'000;

  /// A graph with these edges. Throws ArgumentError for an end that is no machine's number, an edge to
  /// itself, an edge that is there twice, and for 0 machines or more than kMostNodes.
  Topology(std::size_t nodes, const std::vector<TopologyEdge>& edges);

  /// A bundled graph of `nodes` machines; of two or three machines some are the same. `degree` and `seed` are
  /// for kRandomRegular: how many neighbours each machine has (below `nodes`, with an even product of both),
  /// and what they are drawn from; the graph is connected. Throws ArgumentError for values out of range.
  static Topology make(TopologyKind kind, std::size_t nodes, std::size_t degree = 3, std::uint64_t seed = 1);

  /// Reads a graph from a text: a line for each edge, "0 1" for two neighbours and "0 > 1" for one that sends
  /// to the other; what follows a '#' is a remark. The machines are those from 0 to the greatest number.
  /// Throws FormatError that names `where` and the line.
  static Topology parse(std::string_view text, const std::string& where);
  /// The same from a file. Throws IoError when it cannot be read.
  static Topology read(const std::filesystem::path& file);

  /// How many machines there are.
  std::size_t nodes() const { return targets_.size(); }
  /// To whom a machine sends, in ascending order.
  const std::vector<std::size_t>& targets(std::size_t node) const { return targets_[node]; }
  /// From whom a machine gets, in ascending order.
  const std::vector<std::size_t>& sources(std::size_t node) const { return sources_[node]; }
  /// Whether one machine sends to another.
  bool has_edge(std::size_t from, std::size_t to) const;
  /// Whether each edge is there in both directions.
  bool is_undirected() const;
  /// Whether what one machine finds reaches every other one (the graph is strongly connected).
  bool is_connected() const;
  /// The greatest number of edges on the shortest way between two machines; nothing unless is_connected().
  std::optional<std::size_t> diameter() const;

 private:
  /// The edges to all machines from one; nothing for those that cannot be reached.
  std::vector<std::optional<std::size_t>> distances_from(std::size_t node) const;

  std::vector<std::vector<std::size_t>> targets_, sources_;
};

}  // namespace genkidama
