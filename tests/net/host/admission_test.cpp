#include <memory>
#include <vector>

#include "net/child_thread.h"
#include "net/fixture.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;

TEST_CASE("connections beyond the rate are closed and counted", "[security]") {
  ParentOptions options = parent_options();
  options.limits.connection_burst = 3;
  options.limits.connection_rate = 1e-6;
  RunningParent running(options);
  RawPeer first(running.port()), second(running.port()), third(running.port());
  first.join(small_layout(), "first");
  for (int i = 0; i < 2; ++i) {
    RawPeer late(running.port());
    CHECK(late.read_to_end().empty());
  }
  const ParentStatus status = running.parent.status();
  CHECK(status.refusals.connections == 2);
  CHECK_THAT(status.last_refusal, Catch::Contains("connection_rate"));
  // Those that are in stay in.
  second.join(small_layout(), "second");
  CHECK(running.parent.status().joined == 2);
}

TEST_CASE("Children that come faster than the rate all get in", "[security]") {
  ParentOptions options = parent_options();
  options.limits.connection_burst = 1;
  options.limits.connection_rate = 50;
  RunningParent running(options);
  std::vector<std::unique_ptr<ChildThread>> children;
  for (int i = 0; i < 5; ++i)
    children.push_back(std::make_unique<ChildThread>(child_options(running.port())));
  for (const auto& child : children) CHECK(child->join() == "the Child's program ended the training");
  CHECK(running.parent.status().joined == 5);
}

TEST_CASE("one address holds only so many connections that have not joined", "[security]") {
  ParentOptions options = parent_options();
  options.limits.max_handshakes_per_address = 2;
  RunningParent running(options);
  RawPeer first(running.port()), second(running.port());
  first.upgrade();
  second.upgrade();
  {
    RawPeer third(running.port());
    CHECK(third.read_to_end().empty());
  }
  CHECK(running.parent.status().refusals.connections == 1);
  CHECK_THAT(running.parent.status().last_refusal, Catch::Contains("max_handshakes_per_address"));
  first.close();
  REQUIRE(eventually([&] { return running.parent.status().refused_peers == 2; }));
  RawPeer fourth(running.port());
  fourth.join(small_layout());
  RawPeer fifth(running.port());
  fifth.join(small_layout());
  CHECK(running.parent.status().joined == 2);
}

TEST_CASE("a Child that listens limits connections too", "[security]") {
  ChildOptions options = child_options(0);
  options.connect.reset();
  options.listen = kLoopback;
  options.limits.max_handshakes_per_address = 1;
  ChildThread child(options);
  RawPeer first(child.port());
  first.upgrade();
  RawPeer second(child.port());
  CHECK(second.read_to_end().empty());
}
