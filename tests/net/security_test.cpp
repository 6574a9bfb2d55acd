#include "genkidama/net/security.h"

#include <sys/socket.h>

#include <memory>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "net/child_thread.h"
#include "net/fixture.h"
#include "net/log_record.h"
#include "net/rate_limit.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

const std::string kToken = "correct-horse-battery-staple-0123456789";

/// Every token that is not kToken but is like it in some way.
const std::vector<std::string> kWrongTokens = {
    "",                                         // none
    "correct-horse-battery-staple-012345678X",  // the same length
    "Correct-horse-battery-staple-0123456789",
    kToken.substr(0, kToken.size() - 1),
    kToken.substr(0, 1),
    kToken + "0",
    kToken + kToken,
    "x",
};

ParentOptions parent_with(const std::string& token) {
  ParentOptions options = parent_options();
  options.security.token = token;
  return options;
}

ParentOptions parent_that_dials(std::uint16_t port, const std::string& token) {
  ParentOptions options = parent_with(token);
  options.listen.clear();
  options.connect = {loopback(port)};
  return options;
}

/// Wants kToken.
ChildOptions listening_child() {
  ChildOptions options = child_options(0);
  options.connect.reset();
  options.listen = kLoopback;
  options.security.token = kToken;
  return options;
}

std::string bearer(const std::string& token) {
  return "Authorization: Bearer " + token + "\r\n";
}

std::string request(const std::string& target, const std::string& headers) {
  return "GET " + target + " HTTP/1.1\r\n" + headers +
         "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
         "Sec-WebSocket-Version: 13\r\n\r\n";
}

}  // namespace

TEST_CASE("a Child with another token does not join a Parent that listens", "[security]") {
  const LogRecord log;
  RunningParent running(parent_with(kToken));
  std::uint64_t refused = 0;
  for (const std::string& token : kWrongTokens) {
    CAPTURE(token);
    ChildOptions options = child_options(running.port());
    options.security.token = token;
    ChildThread child(options);
    CHECK(eventually([&] { return running.parent.status().refusals.token > refused; }));
    CHECK(child.stop() == "stop requested");
    CHECK(child.exchanges() == 0);
    refused = running.parent.status().refusals.token;
  }
  const ParentStatus status = running.parent.status();
  CHECK(status.joined == 0);
  CHECK(status.updates == 0);
  CHECK(status.refused_peers >= status.refusals.token);
  CHECK(same_bits(running.parent.weights(), running.initial));
  CHECK_THAT(status.last_refusal, !Catch::Contains(kToken));

  ChildOptions options = child_options(running.port());
  options.security.token = kToken;
  CHECK(ChildThread(options).join() == "the Child's program ended the training");
  CHECK(running.parent.status().updates == 2);
  CHECK_THAT(log.text(), Catch::Contains("refused: the Parent wants another token (401): give the same"));
  CHECK_THAT(log.text(), Catch::Contains("the Parent wants a token (401)"));
  CHECK_THAT(log.text(), Catch::Contains("the peer gave no token"));
  CHECK_THAT(log.text(), !Catch::Contains(kToken.substr(0, 8)));
}

TEST_CASE("a Parent with another token gets nothing from a Child that listens", "[security]") {
  for (const std::string& token : kWrongTokens) {
    CAPTURE(token);
    ChildThread child(listening_child());
    RunningParent running(parent_that_dials(child.port(), token));
    CHECK(eventually([&] { return running.parent.status().refusals.token > 0; }));
    CHECK(child.stop() == "stop requested");
    CHECK(running.parent.status().joined == 0);
    CHECK_THAT(running.parent.status().last_refusal, !Catch::Contains(kToken));
  }
  ChildThread child(listening_child());
  const RunningParent running(parent_that_dials(child.port(), kToken));
  CHECK(child.join() == "the Child's program ended the training");
  CHECK(running.parent.status().updates == 2);
}

TEST_CASE("a Child that gives up says that its token was refused", "[security]") {
  RunningParent running(parent_with(kToken));
  ChildOptions options = child_options(running.port());
  options.security.token = kWrongTokens[1];
  options.join_timeout = Milliseconds(1'500);
  FakeTrainer trainer;
  Child child(options, trainer);
  CHECK_THROWS_WITH(child.run([](const ChildProgress&) { return false; }),
                    Catch::Contains("no Parent within 1500 ms") &&
                        Catch::Contains("refused: the Parent wants another token (401): give the same "
                                        "security.token on both sides") &&
                        !Catch::Contains(kWrongTokens[1]));
  CHECK(running.parent.status().joined == 0);
}

TEST_CASE("only the Authorization header with the whole token opens the port", "[security]") {
  RunningParent running(parent_with(kToken));
  std::vector<std::string> headers = {"",
                                      "Authorization: \r\n",
                                      "Authorization: Bearer\r\n",
                                      "Authorization: Bearer \r\n",
                                      "Authorization: " + kToken + "\r\n",
                                      "Authorization: Basic " + kToken + "\r\n",
                                      "Authorization: Bearer" + kToken + "\r\n",
                                      "Authorization: Bearer \"" + kToken + "\"\r\n",
                                      bearer("wrong") + bearer(kToken),
                                      bearer(kToken) + bearer(kToken),
                                      "X-Authorization: Bearer " + kToken + "\r\n",
                                      "Cookie: token=" + kToken + "\r\n",
                                      "Sec-WebSocket-Protocol: " + kToken + "\r\n"};
  for (const std::string& token : kWrongTokens) headers.push_back(bearer(token));
  for (const std::string& header : headers) {
    CAPTURE(header);
    RawPeer peer(running.port());
    const std::string answer = peer.upgrade("/genkidama/1", header);
    CHECK_THAT(answer, Catch::StartsWith("HTTP/1.1 401"));
    CHECK_THAT(answer, Catch::Contains("WWW-Authenticate: Bearer"));
    const std::string text = peer.read_to_end();
    CHECK(text == "this port wants a token: give the same token on both sides\n");
  }
  CHECK(eventually([&] { return running.parent.status().refusals.token == headers.size(); }));
  {
    // Not from the URL.
    RawPeer peer(running.port());
    CHECK_THAT(peer.upgrade("/genkidama/1?token=" + kToken), Catch::StartsWith("HTTP/1.1 404"));
  }
  CHECK(running.parent.status().joined == 0);
  RawPeer peer(running.port());
  CHECK_THAT(peer.upgrade("/genkidama/1", "authorization: bearer " + kToken + "\r\n"),
             Catch::StartsWith("HTTP/1.1 101"));
}

TEST_CASE("a browser is refused unless its page is allowed", "[security]") {
  ParentOptions options = parent_options();
  options.security.allowed_origins = {"https://dashboard.example", "http://localhost:8080"};
  RunningParent running(options);
  const std::vector<std::string> refused = {
      "Origin: null\r\n",
      "Origin: \r\n",
      "Origin: https://evil.example\r\n",
      "Origin: http://dashboard.example\r\n",
      "Origin: https://dashboard.example.evil.example\r\n",
      "Origin: https://dashboard.example:444\r\n",
      "Origin: https://evil.example\r\nOrigin: https://dashboard.example\r\n",
  };
  for (const std::string& header : refused) {
    CAPTURE(header);
    RawPeer peer(running.port());
    CHECK_THAT(peer.upgrade("/genkidama/1", header), Catch::StartsWith("HTTP/1.1 403"));
  }
  CHECK(eventually([&] { return running.parent.status().refusals.origin == refused.size(); }));
  for (const std::string& origin : options.security.allowed_origins) {
    RawPeer peer(running.port());
    CHECK_THAT(peer.upgrade("/genkidama/1", "Origin: " + origin + "\r\n"), Catch::StartsWith("HTTP/1.1 101"));
  }
}

TEST_CASE("an allowed page still needs the token", "[security]") {
  ParentOptions options = parent_with(kToken);
  options.security.allowed_origins = {"https://dashboard.example"};
  RunningParent running(options);
  RawPeer peer(running.port());
  CHECK_THAT(peer.upgrade("/genkidama/1", "Origin: https://dashboard.example\r\n"),
             Catch::StartsWith("HTTP/1.1 401"));
}

TEST_CASE("a request without one sound Host, or for another target, is refused", "[security]") {
  RunningParent running;
  const std::string path = "/genkidama/1", host = "Host: localhost\r\n";
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"400", request(path, "")},
      {"400", request(path, "Host: \r\n")},
      {"400", request(path, host + host)},
      {"400", request(path, "Host: a b\r\n")},
      {"400", request(path, "Host: user@localhost\r\n")},
      {"400", request(path, "Host: http://localhost\r\n")},
      {"400", request(path, "Host: localhost/x\r\n")},
      {"400", request(path, "Host: localhost:x\r\n")},
      {"400", request(path, "Host: localhost:65536\r\n")},
      {"400", request(path, "Host: ::1\r\n")},
      {"400", request(path, "Host: " + std::string(300, 'a') + "\r\n")},
      {"404", request("/", host)},
      {"404", request("/genkidama", host)},
      {"404", request("/genkidama/2", host)},
      {"404", request("/genkidama/1/", host)},
      {"404", request("//genkidama/1", host)},
      {"404", request("/genkidama/../genkidama/1", host)},
      {"404", request("/genkidama%2f1", host)},
      {"404", request("http://localhost/genkidama/1", host)},
  };
  for (const auto& [status, text] : refused) {
    CAPTURE(text);
    RawPeer peer(running.port());
    peer.send(text);
    CHECK_THAT(peer.read_to_end(), Catch::StartsWith("HTTP/1.1 " + status));
  }
  CHECK(eventually([&] { return running.parent.status().refusals.request == refused.size(); }));
  CHECK(running.parent.status().joined == 0);
  for (const char* sound : {"localhost:1", "pi-7.local", "[::1]:7777", "[fe80::1%eth0]", "10.0.0.1:80"}) {
    CAPTURE(sound);
    RawPeer peer(running.port());
    peer.send(request(path, "Host: " + std::string(sound) + "\r\n"));
    ::shutdown(peer.socket(), SHUT_WR);
    CHECK_THAT(peer.read_to_end(), Catch::StartsWith("HTTP/1.1 101"));
  }
}

TEST_CASE("a rate limit lets so many at once, then so many a second", "[security]") {
  const auto start = Clock::now();
  RateLimit limit(2, 3);
  CHECK(limit.allow(start));
  CHECK(limit.allow(start));
  CHECK(limit.allow(start));
  CHECK_FALSE(limit.allow(start));
  CHECK_FALSE(limit.allow(start + Milliseconds(400)));
  CHECK(limit.allow(start + Milliseconds(600)));
  CHECK_FALSE(limit.allow(start + Milliseconds(700)));
  // Never more than the burst, however long nobody came.
  const auto later = start + Milliseconds(1'000'000);
  for (int i = 0; i < 3; ++i) CHECK(limit.allow(later));
  CHECK_FALSE(limit.allow(later));
  RateLimit none(0, 1);
  for (int i = 0; i < 100; ++i) CHECK(none.allow(start));
}

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
  CHECK_THAT(running.parent.status().last_refusal,
             Catch::Contains("max_handshakes_per_address (2) reached by 127.0.0.1"));
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

TEST_CASE("listening where other machines reach needs a token or an insecure", "[security]") {
  const auto weights = random_weights(small_layout().size(), 1);
  for (const char* place :
       {"0.0.0.0:0", "[::]:0", "192.168.1.7:7777", "pi-7.local:7777", "[::ffff:10.0.0.1]:1"}) {
    CAPTURE(place);
    ParentOptions parent;
    parent.listen = {kLoopback, Endpoint::parse(place)};
    CHECK_THROWS_WITH(Parent(parent, small_layout(), weights),
                      Catch::StartsWith(std::string(place) + " can be reached from other machines"));
    CHECK_THROWS_AS(Parent(parent, small_layout(), weights), ArgumentError);
    FakeTrainer trainer;
    ChildOptions child;
    child.listen = Endpoint::parse(place);
    CHECK_THROWS_AS(Child(child, trainer), ArgumentError);
    for (const bool with_token : {true, false}) {
      parent.security.token = child.security.token = with_token ? kToken : "";
      parent.security.insecure = child.security.insecure = !with_token;
      CHECK_NOTHROW(Parent(parent, small_layout(), weights));
      CHECK_NOTHROW(Child(child, trainer));
    }
  }
  // Dialling needs none.
  ParentOptions dialling;
  dialling.connect = {Endpoint::parse("192.168.1.7:7777")};
  CHECK_NOTHROW(Parent(dialling, small_layout(), weights));
}

TEST_CASE("what an HTTP header cannot carry is no token, and is not shown", "[security]") {
  CHECK(valid_token(kToken));
  CHECK(valid_token(std::string(kMaxTokenBytes, 'a')));
  for (const std::string& token :
       {std::string("has a space"), std::string("ends\n"), std::string("nul\0inside", 10),
        std::string("\x7f"), std::string("\xc3\xa4"), std::string(kMaxTokenBytes + 1, 'a')}) {
    CHECK_FALSE(valid_token(token));
    ParentOptions options = parent_with(token);
    CHECK_THROWS_WITH(Parent(options, small_layout(), random_weights(small_layout().size(), 1)),
                      Catch::StartsWith("security.token") && !Catch::Contains(token));
  }
  CHECK_FALSE(valid_token(""));
}
