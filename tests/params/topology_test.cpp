#include "genkidama/params/topology.h"

#include "genkidama/core/error.h"
#include "support/catch.h"

using namespace genkidama;

TEST_CASE("a ring's machines have the one before and the one behind as neighbours") {
  const Topology ring = Topology::make(TopologyKind::kRing, 5);
  CHECK(ring.targets(0) == std::vector<std::size_t>{1, 4});
  CHECK(ring.targets(2) == std::vector<std::size_t>{1, 3});
  CHECK(ring.is_undirected());
  CHECK(ring.is_connected());
  CHECK(ring.diameter() == 2);
}

TEST_CASE("a directed ring has one way round") {
  const Topology ring = Topology::make(TopologyKind::kDirectedRing, 4);
  CHECK(ring.targets(3) == std::vector<std::size_t>{0});
  CHECK(ring.sources(3) == std::vector<std::size_t>{2});
  CHECK_FALSE(ring.is_undirected());
  CHECK(ring.is_connected());
  CHECK(ring.diameter() == 3);
}

TEST_CASE("rings of one and two machines have no edge to themselves and none twice") {
  const auto kind =
      GENERATE(TopologyKind::kDirectedRing, TopologyKind::kRing, TopologyKind::kTorus, TopologyKind::kFull);
  CAPTURE(topology_name(kind));
  CHECK(Topology::make(kind, 1).targets(0).empty());
  CHECK(Topology::make(kind, 2).targets(0) == std::vector<std::size_t>{1});
  CHECK(Topology::make(kind, 2).targets(1) == std::vector<std::size_t>{0});
}

TEST_CASE("a torus is as square as it can be") {
  const Topology torus = Topology::make(TopologyKind::kTorus, 12);  // 3 x 4
  for (std::size_t node = 0; node < 12; ++node) CHECK(torus.targets(node).size() == 4);
  CHECK(torus.targets(0) == std::vector<std::size_t>{1, 3, 4, 8});
  // A prime number has one row.
  CHECK(Topology::make(TopologyKind::kTorus, 7).targets(0) == std::vector<std::size_t>{1, 6});
  // Of two rows the neighbours above and below are the same.
  CHECK(Topology::make(TopologyKind::kTorus, 6).targets(0).size() == 3);
}

TEST_CASE("a random regular graph is regular, connected, and the same for the same seed") {
  const std::size_t degree = GENERATE(2u, 3u, 4u, 9u);
  const Topology graph = Topology::make(TopologyKind::kRandomRegular, 20, degree, 7);
  CHECK(graph.is_undirected());
  CHECK(graph.is_connected());
  const Topology again = Topology::make(TopologyKind::kRandomRegular, 20, degree, 7);
  bool differs = false;
  const Topology other = Topology::make(TopologyKind::kRandomRegular, 20, degree, 8);
  for (std::size_t node = 0; node < 20; ++node) {
    CHECK(graph.targets(node).size() == degree);
    CHECK(graph.targets(node) == again.targets(node));
    differs = differs || graph.targets(node) != other.targets(node);
  }
  CHECK(differs);
}

TEST_CASE("impossible graphs are refused") {
  CHECK_THROWS_AS(Topology::make(TopologyKind::kRing, 0), ArgumentError);
  CHECK_THROWS_AS(Topology::make(TopologyKind::kRing, Topology::kMostNodes + 1), ArgumentError);
  CHECK_THROWS_WITH(Topology::make(TopologyKind::kRandomRegular, 5, 3), Catch::Contains("even product"));
  CHECK_THROWS_AS(Topology::make(TopologyKind::kRandomRegular, 4, 4), ArgumentError);
  CHECK_THROWS_AS(Topology::make(TopologyKind::kRandomRegular, 4, 0), ArgumentError);
  // Pairs that nothing joins.
  CHECK_THROWS_WITH(Topology::make(TopologyKind::kRandomRegular, 8, 1), Catch::Contains("connected"));
  CHECK_THROWS_AS(Topology(3, {{0, 3}}), ArgumentError);
  CHECK_THROWS_AS(Topology(3, {{1, 1}}), ArgumentError);
  CHECK_THROWS_AS(Topology(3, {{0, 1}, {0, 1}}), ArgumentError);
}

TEST_CASE("a graph is read from a text") {
  const Topology graph = Topology::parse("# two neighbours\n0 1\n\n1 > 2 # one way\r\n 2>0\n", "graph.txt");
  CHECK(graph.nodes() == 3);
  CHECK(graph.targets(0) == std::vector<std::size_t>{1});
  CHECK(graph.targets(1) == std::vector<std::size_t>{0, 2});
  CHECK(graph.targets(2) == std::vector<std::size_t>{0});
  CHECK(graph.is_connected());
  CHECK_FALSE(graph.is_undirected());
}

TEST_CASE("a text that is no graph is refused with its line") {
  const auto check = [](const char* text, const char* word) {
    CAPTURE(text);
    CHECK_THROWS_WITH(Topology::parse(text, "graph.txt"), Catch::Contains(word));
  };
  check("", "at least one line");
  check("0 1\n1 x\n", "graph.txt, line 2");
  check("0 1 2\n", "line 1");
  check("0\n", "line 1");
  check("-1 0\n", "line 1");
  check("3 3\n", "line 1");
  check("0 10000\n", "line 1");
  check("0 99999999999999999999\n", "line 1");
  check("0 1\n1 0\n", "twice");
  CHECK_THROWS_AS(Topology::read("/does/not/exist"), IoError);
}

TEST_CASE("machines that do not reach all others have no diameter") {
  const Topology line = Topology::parse("0 > 1\n1 > 2\n", "line");
  CHECK_FALSE(line.is_connected());
  CHECK_FALSE(line.diameter().has_value());
}

TEST_CASE("names of graphs are read back") {
  for (const auto kind : {TopologyKind::kDirectedRing, TopologyKind::kRing, TopologyKind::kTorus,
                          TopologyKind::kRandomRegular, TopologyKind::kFull})
    CHECK(topology_of(topology_name(kind)) == kind);
  CHECK_FALSE(topology_of("star").has_value());
}
