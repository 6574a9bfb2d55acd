#include <sys/resource.h>
#include <sys/socket.h>

#include <random>

#include "genkidama/core/log.h"
#include "net/fixture.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// After whatever a test did, the Parent must still serve a sound Child, from unchanged weights.
void expect_serves(RunningParent& running) {
  CHECK(same_bits(running.parent.weights(), running.initial));
  FakeTrainer trainer;
  Child child(child_options(running.port()), trainer);
  CHECK(child.run(exchanges(2)) == "the Child's program ended the training");
}

std::string random_bytes(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

}  // namespace

TEST_CASE("a peer that sends garbage instead of HTTP is refused", "[hostile]") {
  RunningParent running;
  constexpr unsigned kPeers = 20;
  for (unsigned seed = 0; seed < kPeers; ++seed) {
    RawPeer peer(running.port());
    peer.send(random_bytes(300, seed) + "\r\n\r\n");
    peer.read_to_end();
  }
  CHECK(eventually([&] { return running.parent.status().refused_peers == kPeers; }));
  expect_serves(running);
}

TEST_CASE("a browser, a wrong path and plain HTTP get the answer that fits", "[hostile]") {
  RunningParent running;
  {
    RawPeer peer(running.port());
    CHECK_THAT(peer.upgrade("/genkidama/1", "Origin: http://localhost\r\n"),
               Catch::StartsWith("HTTP/1.1 403"));
    CHECK_THAT(peer.read_to_end(), Catch::Contains("browsers"));
  }
  {
    RawPeer peer(running.port());
    CHECK_THAT(peer.upgrade("/"), Catch::StartsWith("HTTP/1.1 404"));
    CHECK_THAT(peer.read_to_end(), Catch::Contains("/genkidama/1"));
  }
  {
    RawPeer peer(running.port());
    CHECK_THAT(peer.upgrade("/genkidama/1?token=secret"), Catch::StartsWith("HTTP/1.1 404"));
  }
  {
    RawPeer peer(running.port());
    peer.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const std::string answer = peer.read_to_end();
    CHECK_THAT(answer, Catch::StartsWith("HTTP/1.1 426"));
    CHECK_THAT(answer, Catch::Contains("WebSocket"));
  }
  {
    RawPeer peer(running.port());
    peer.send("GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\n\r\n");
    peer.read_to_end();
  }
  CHECK(eventually([&] { return running.parent.status().refused_peers == 5; }));
  CHECK(running.parent.status().joined == 0);
  expect_serves(running);
}

TEST_CASE("what a peer said when it closed the link is told, also if it resets the connection then",
          "[hostile]") {
  RunningParent running;
  RawPeer peer(running.port());
  peer.upgrade();
  peer.send_frame(8, "\x03\xe8going home");
  CHECK(peer.read().opcode == 8);
  const linger at_once{1, 0};
  REQUIRE(::setsockopt(peer.socket(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
  peer.close();
  CHECK(eventually([&] { return running.parent.status().refused_peers == 1; }));
  CHECK_THAT(running.parent.status().last_refusal, Catch::Contains("the peer closed the link: going home"));
  expect_serves(running);
}

TEST_CASE("a peer that does not begin with a hello is refused", "[hostile]") {
  RunningParent running;
  const auto refused = [&](int opcode, const std::string& payload, const std::string& text) {
    RawPeer peer(running.port());
    CHECK_THAT(peer.upgrade(), Catch::StartsWith("HTTP/1.1 101"));
    peer.send_frame(opcode, payload);
    const auto refusal = peer.read_message<RefuseMessage>();
    CHECK(refusal.code == RefusalCode::kProtocol);
    CHECK_THAT(refusal.reason, Catch::Contains(text));
    CHECK(peer.read().opcode == 8);
  };
  refused(2, "GKDM", "binary message where a hello is expected");
  refused(1, "hello", "not JSON");
  refused(1, "{}", "'type' is missing");
  refused(1, encode_message(LeaveMessage{"bye"}), "a leave message is not expected");
  refused(1, encode_message(WelcomeMessage{"p", "r", "", 1, 0, {}}), "a welcome message is not expected");
  refused(1, "{\"type\":\"hello\",\"protocol\":2}", "protocol version 2");
  CHECK(running.parent.status().refused_peers == 6);
  expect_serves(running);
}

TEST_CASE("text where weights are expected is refused", "[hostile]") {
  RunningParent running;
  RawPeer peer(running.port());
  peer.join(small_layout());
  peer.send_frame(1, "12345");
  CHECK(peer.read_message<RefuseMessage>().code == RefusalCode::kProtocol);
  peer.close();
  CHECK(eventually([&] { return running.parent.status().left == 1; }));
  expect_serves(running);
}

TEST_CASE("a frame that is or claims to be too large is refused before it is read", "[hostile]") {
  RunningParent running;
  for (const std::uint64_t announced :
       {std::uint64_t{1} << 20, std::uint64_t{1} << 40, ~std::uint64_t{0} >> 1, ~std::uint64_t{0}}) {
    RawPeer peer(running.port());
    peer.join(small_layout());
    peer.send_frame(2, "GKDM", announced);
    // The close frame may be lost when the connection is reset.
    const int opcode = peer.read().opcode;
    CHECK((opcode == 8 || opcode == -1));
  }
  {
    RawPeer peer(running.port());
    peer.upgrade();
    peer.send_frame(1, "{", LinkLimits{}.max_control_bytes + 1);
    const int opcode = peer.read().opcode;
    CHECK((opcode == 8 || opcode == -1));
  }
  CHECK(eventually([&] { return running.parent.status().left == 4; }));
  CHECK(eventually([&] { return running.parent.status().refused_peers == 1; }));
  expect_serves(running);
}

TEST_CASE("random WebSocket bytes from a joined Child change nothing", "[hostile]") {
  RunningParent running;
  for (unsigned seed = 0; seed < 30; ++seed) {
    RawPeer peer(running.port());
    peer.join(small_layout());
    peer.send(random_bytes(2'000, seed));
    ::shutdown(peer.socket(), SHUT_WR);
    peer.read_to_end();
  }
  CHECK(eventually([&] { return running.parent.status().left == 30; }));
  CHECK(running.parent.status().updates == 0);
  expect_serves(running);
}

TEST_CASE("a Child that vanishes in the middle of a frame leaves the weights unchanged", "[hostile]") {
  RunningParent running;
  std::vector<std::byte> frame;
  FrameHeader header;
  header.sequence = 1;
  for (const std::size_t sent : {std::size_t{1}, kFrameHeaderBytes, kFrameHeaderBytes + 60}) {
    RawPeer peer(running.port());
    header.session = peer.join(small_layout()).session;
    encode_frame(header, random_weights(small_layout().size(), 1), frame);
    peer.send_frame(2, std::string_view(reinterpret_cast<const char*>(frame.data()), sent), frame.size());
    peer.close();
  }
  CHECK(eventually([&] { return running.parent.status().left == 3; }));
  CHECK(running.parent.status().updates == 0);
  expect_serves(running);
}

TEST_CASE("a peer that connects and says nothing is dropped", "[hostile]") {
  ParentOptions options = parent_options();
  options.limits.handshake_timeout = Milliseconds(100);
  RunningParent running(options);
  RawPeer before_http(running.port()), before_hello(running.port());
  before_hello.upgrade();
  CHECK(before_http.read_to_end().empty());
  CHECK(before_hello.read().opcode == -1);
  CHECK(eventually([&] { return running.parent.status().refused_peers == 2; }));
  CHECK_THAT(running.parent.status().last_refusal, Catch::Contains("handshake"));
  CHECK(same_bits(running.parent.weights(), running.initial));
}

TEST_CASE("a joined Child that does not even answer pings is dropped", "[hostile]") {
  ParentOptions options = parent_options();
  options.limits.idle_timeout = Milliseconds(200);
  RunningParent running(options);
  RawPeer peer(running.port());
  peer.join(small_layout());
  peer.silent = true;
  while (peer.read().opcode >= 0) {
  }
  CHECK(eventually([&] { return running.parent.status().left == 1; }));
}

TEST_CASE("connections beyond max_connections are closed", "[hostile]") {
  ParentOptions options = parent_options();
  options.limits.max_connections = 2;
  RunningParent running(options);
  RawPeer first(running.port()), second(running.port());
  first.join(small_layout());
  second.join(small_layout());
  {
    RawPeer third(running.port());
    CHECK(third.read_to_end().empty());
  }
  CHECK(running.parent.status().refusals.connections == 1);
  CHECK_THAT(running.parent.status().last_refusal, Catch::Contains("max_connections"));
  first.close();
  second.close();
  REQUIRE(eventually([&] { return running.parent.status().left == 2; }));
  expect_serves(running);
}

TEST_CASE("the Parent accepts again after the process ran out of descriptors", "[hostile]") {
  Gate failed;
  set_log_level(LogLevel::kWarning);
  set_log_sink([&](LogLevel, std::string_view message) {
    if (message.find("cannot accept") != std::string_view::npos) failed.open();
  });
  auto started = std::make_unique<RunningParent>();
  RunningParent& running = *started;
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  // Descriptors that are open stay so; none can be added but the raw peer's own.
  rlimit scarce = before;
  {
    RawPeer probe(running.port());
    scarce.rlim_cur = static_cast<rlim_t>(probe.socket()) + 1;
  }
  REQUIRE(eventually([&] { return running.parent.status().refused_peers == 1; }));
  REQUIRE(setrlimit(RLIMIT_NOFILE, &scarce) == 0);
  auto peer = std::make_unique<RawPeer>(running.port());
  CHECK(failed.wait());
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(peer->join(small_layout()).name == "parent");
  peer.reset();
  expect_serves(running);
  started.reset();
  set_log_sink({});
  set_log_level(LogLevel::kError);
}
