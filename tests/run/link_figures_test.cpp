// What a page for Prometheus says of links: a bound on the number of peers, and names of any kind.
#include "run/link_figures.h"

#include <fmt/format.h>

#include <limits>

#include "genkidama/run/metrics_page.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::run;
using Catch::Contains;

namespace {

ParentStatus status_with(std::size_t children) {
  ParentStatus status;
  for (std::size_t i = 0; i < children; ++i) {
    ChildStatus child;
    // The last name comes first.
    child.name = fmt::format("child {:04}", children - i);
    child.updates = 2;
    child.bytes_received = 10;
    child.staleness = 1;
    status.children.push_back(child);
  }
  status.refused_peers = 5;
  status.refusals.token = 3;
  return status;
}

std::string text_of(const ParentStatus& status) {
  PrometheusText text;
  write_links(link_figures({.parent = &status}), text);
  return text.text();
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("any number of peers has a bounded number of figures") {
  const ParentStatus status = status_with(kMaxPeersOnPage + 50);
  const LinkFigures figures = link_figures({.parent = &status});
  CHECK(figures.connected == kMaxPeersOnPage + 50);
  REQUIRE(figures.peers.size() == kMaxPeersOnPage + 1);
  CHECK(figures.peers.front().name == "child 0001");
  CHECK(figures.peers.back().name == "(others)");
  CHECK(figures.peers.back().updates == 100U);
  CHECK(figures.peers.back().bytes_received == 500U);
  // A sum of ages tells nothing.
  CHECK_FALSE(figures.peers.back().staleness);
  const std::string text = text_of(status);
  CHECK(count(text, "\ngenkidama_peer_updates_total{") == kMaxPeersOnPage + 1);
  CHECK(count(text, "\ngenkidama_peer_staleness_updates{") == kMaxPeersOnPage);
  CHECK(count(text, "# TYPE genkidama_peer_updates_total counter\n") == 1);
}

TEST_CASE("refusals are told by reason, and those without a known one as other") {
  const std::string text = text_of(status_with(1));
  CHECK_THAT(text, Contains("genkidama_refused_peers_total{reason=\"token\"} 3\n"));
  CHECK_THAT(text, Contains("genkidama_refused_peers_total{reason=\"other\"} 2\n"));
  CHECK_THAT(text, Contains("genkidama_connected_peers{kind=\"child\"} 1\n"));
}

TEST_CASE("labels and numbers are written as Prometheus reads them") {
  PrometheusText text;
  text.gauge("one", "About one.", 0.5);
  text.counters("two_total", "About two.");
  text.sample(1e9, {{"peer", "a\"b\\c\nd"}, {"more", "x"}});
  text.sample(std::numeric_limits<double>::infinity());
  text.sample(std::numeric_limits<double>::quiet_NaN());
  CHECK(text.text() ==
        "# HELP genkidama_one About one.\n# TYPE genkidama_one gauge\ngenkidama_one 0.5\n"
        "# HELP genkidama_two_total About two.\n# TYPE genkidama_two_total counter\n"
        "genkidama_two_total{peer=\"a\\\"b\\\\c\\nd\",more=\"x\"} 1000000000\n"
        "genkidama_two_total +Inf\ngenkidama_two_total NaN\n");
}
