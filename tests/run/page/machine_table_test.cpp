// The machines on a live page: which come first, how many there are at most, and what is told of them.
#include "run/page/machine_table.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "genkidama/net/child.h"
#include "genkidama/net/peer.h"
#include "genkidama/net/upper_parent.h"
#include "genkidama/run/live_page.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::run;
using nlohmann::json;

namespace {

ParentStatus status_with(std::size_t children) {
  ParentStatus status;
  for (std::size_t i = 0; i < children; ++i) {
    ChildStatus child;
    child.name = fmt::format("child {:04}", i);
    child.address = "10.0.0.1:1";
    child.since_child_began.steps = 1000;
    child.bytes_received = 10;
    status.children.push_back(child);
  }
  return status;
}

json table_of(const LinksEvent& event) {
  MachineWatch watch;
  InfluenceTally influence;
  return json::parse(json_of(watch.table_of(event, influence, Clock::now())));
}

}  // namespace

TEST_CASE("of many machines those that need looking at have rows, and the others are counted") {
  ParentStatus status = status_with(1000);
  status.children[700].late = true;
  status.children[900].staleness = 50;
  status.refusals.quarantine = 3;
  status.refused_peers = 3;
  const json table = table_of({.parent = &status});
  CHECK(table["kind"] == "child");
  CHECK(table["connected"] == 1000);
  CHECK(table["machines"] == 1000);
  CHECK(table["late"] == 1);
  CHECK(table["refused"] == json{{"quarantine", 3}});
  REQUIRE(table["rows"].size() == kMaxMachinesOnLivePage);
  CHECK(table["rows"][0]["name"] == "child 0700");
  CHECK(table["rows"][0]["late"] == true);
  CHECK(table["rows"][1]["name"] == "child 0900");
  CHECK(table["rows"][2]["name"] == "child 0000");
  CHECK(table.dump().size() < 64 * 1024);
}

TEST_CASE("a machine's pace is what it has played since two seconds and more") {
  ParentStatus status = status_with(2);
  MachineWatch watch;
  InfluenceTally influence;
  const Clock::time_point start = Clock::now();
  CHECK_FALSE(watch.table_of({.parent = &status}, influence, start).rows[0].steps_per_second);
  status.children[0].since_child_began.steps = 5000;
  CHECK_FALSE(watch.table_of({.parent = &status}, influence, start + std::chrono::seconds(1))
                  .rows[0]
                  .steps_per_second);
  const MachineTable table = watch.table_of({.parent = &status}, influence, start + std::chrono::seconds(4));
  CHECK(table.rows[0].steps_per_second == Approx(1000));
  CHECK(table.rows[1].steps_per_second == Approx(0));
  CHECK(table.steps_per_second == Approx(1000));
  // It has begun anew, with fewer steps than before.
  status.children[0].since_child_began.steps = 10;
  CHECK_FALSE(watch.table_of({.parent = &status}, influence, start + std::chrono::seconds(8))
                  .rows[0]
                  .steps_per_second);
}

TEST_CASE("a Child's influence is its share of what all that are there have moved") {
  InfluenceTally influence;
  ParentUpdate update;
  update.child = "a";
  update.movement = 3;
  update.agreement = 0.5;
  influence.add(update);
  update.child = "b";
  update.movement = 1;
  update.agreement.reset();
  influence.add(update);
  CHECK(influence.share("a") == 0.75);
  CHECK(influence.agreement("a") == 0.5);
  CHECK_FALSE(influence.agreement("b"));
  CHECK_FALSE(influence.share("c"));
  ParentUpdate round;
  round.contributions.resize(2);
  round.contributions[0].child = "a";
  round.contributions[1].child = "c";
  round.contributions[1].movement = 1;
  influence.add(round);
  CHECK(influence.share("c") == 0.2);
  influence.keep({"b", "c"});
  CHECK(influence.size() == 2);
  CHECK(influence.share("c") == 0.5);
}

TEST_CASE("each kind of run tells of the machines that it has") {
  ChildProgress progress;
  progress.connected = false;
  progress.exchanges = 7;
  const json child = table_of({.child = &progress});
  CHECK(child["kind"] == "parent");
  CHECK(child["rows"][0]["away"] == true);
  CHECK(child["rows"][0]["updates"] == 7);

  PeerProgress peer;
  std::vector<PeerNeighbourStatus> neighbours(2);
  neighbours[0].name = "x\xff<b>";
  neighbours[0].connected = true;
  neighbours[0].flow = PeerFlow::kSends;
  neighbours[1].name = "y";
  const json peers = table_of({.peer = &peer, .neighbours = neighbours});
  // Not connected: it comes first.
  CHECK(peers["rows"][0]["name"] == "y");
  CHECK(peers["rows"][1]["name"] == "x\xef\xbf\xbd<b>");
  CHECK(peers["rows"][1]["flow"] == "sends");

  const ParentStatus status = status_with(1);
  UpperParentStatus upper;
  upper.connected = true;
  CHECK(table_of({.parent = &status, .upper = &upper})["above"] == true);
  CHECK_FALSE(table_of({.parent = &status}).contains("above"));
}
