// A live page: its files, its WebSocket, who is kept out, and viewers that are slow or say something.
#include "genkidama/net/live_page_server.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "net/link/http_gate.h"
#include "net/log_record.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;
using Catch::StartsWith;

namespace {

constexpr const char* kUpgrade =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n";

/// Tells numbers, each in a message of that many bytes, as long as the test allows.
struct Counting {
  std::atomic<int> allowed{0}, told{0};
  std::size_t bytes = 0;
};

class CountingFeed : public PageFeed {
 public:
  explicit CountingFeed(Counting& counting) : counting_(counting) {}
  std::shared_ptr<const std::string> next() override {
    if (counting_.told >= counting_.allowed) return nullptr;
    std::string text = std::to_string(++counting_.told);
    text.resize(std::max(text.size(), counting_.bytes), ' ');
    return std::make_shared<const std::string>(std::move(text));
  }

 private:
  Counting& counting_;
};

LivePageOptions local_page() {
  LivePageOptions options;
  options.listen = {"127.0.0.1", 0};
  return options;
}

std::vector<PageFile> files() {
  return {{"/", "text/html; charset=utf-8", "<html>hello</html>"}, {"/page.js", "text/javascript", "run()"}};
}

std::function<std::unique_ptr<PageFeed>()> feed_of(Counting& counting) {
  return [&counting] { return std::make_unique<CountingFeed>(counting); };
}

std::string answer(const LivePageServer& server, const std::string& bytes) {
  RawPeer peer(server.port());
  peer.send(bytes);
  return peer.read_to_end();
}

/// The code of a closing frame.
int close_code(const RawPeer::Received& received) {
  if (received.opcode != 8 || received.payload.size() < 2) return 0;
  return static_cast<unsigned char>(received.payload[0]) << 8 |
         static_cast<unsigned char>(received.payload[1]);
}

}  // namespace

TEST_CASE("a live page gives its files, and a browser may run nothing else", "[page]") {
  const LogRecord log;
  Counting counting;
  LivePageServer server(local_page(), files(), feed_of(counting));
  server.start();
  const std::string page = answer(server, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK_THAT(page, StartsWith("HTTP/1.1 200 OK\r\n") && Catch::EndsWith("<html>hello</html>"));
  CHECK_THAT(page,
             Contains("Cache-Control: no-store\r\n") && Contains("X-Content-Type-Options: nosniff\r\n"));
  CHECK_THAT(page, Contains("default-src 'none'; script-src 'self'") && !Contains("unsafe"));
  CHECK_THAT(answer(server, "GET /page.js HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 0\r\n\r\n"),
             Catch::EndsWith("run()"));
  CHECK(server.viewers() == 0);
}

TEST_CASE("a request that is not the page's own is refused", "[page]") {
  const LogRecord log;
  Counting counting;
  LivePageServer server(local_page(), files(), feed_of(counting));
  server.start();
  const std::string upgrade = kUpgrade;
  const std::vector<std::pair<std::string, std::string>> requests = {
      {"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"},
      {"GET /../page.js HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"},
      {"GET /page.js/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"},
      {"GET /%70age.js HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"},
      {"GET //page.js HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"},
      {"GET /?token=x HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"},
      {"GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"},
      {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi", "405"},
      {"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n", "405"},
      {"OPTIONS / HTTP/1.1\r\nHost: localhost\r\n\r\n", "405"},
      {"GET / HTTP/1.1\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n", "400"},
      // Bodies, and what a proxy in front may take for another request.
      {"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi", "400"},
      {"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET /page.js HTTP/1.1\r\nHost: localhost\r\n\r\n", "400"},
      // A name that was made to stand for this machine, and another page of this machine.
      {"GET / HTTP/1.1\r\nHost: evil.example:80\r\n\r\n", "403"},
      {"GET / HTTP/1.1\r\nHost: localhost:80\r\nOrigin: http://localhost:81\r\n\r\n", "403"},
      {"GET /live HTTP/1.1\r\nHost: localhost:80\r\nOrigin: http://evil.example\r\n" + upgrade + "\r\n",
       "403"},
      {"GET /live HTTP/1.1\r\nHost: localhost:80\r\nOrigin: null\r\n" + upgrade + "\r\n", "403"},
      {"GET /live HTTP/1.1\r\nHost: localhost:80\r\nOrigin: http://localhost:80\r\n"
       "Origin: http://localhost:80\r\n" +
           upgrade + "\r\n",
       "403"},
      {"GET /live HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n" + upgrade + "\r\n",
       "403"},
      // A WebSocket has a place of its own.
      {"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n", "426"},
      {"GET / HTTP/1.1\r\nHost: localhost\r\n" + upgrade + "\r\n", "400"},
      {"GET /live HTTP/1.1\r\nHost: localhost\r\n" + upgrade + "\r\n\x81\x80", "400"},
      {"\x16\x03\x01 this is no HTTP\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: localhost\r\nMore: " + std::string(9000, 'x') + "\r\n\r\n", "400"},
  };
  for (const auto& [request, status] : requests) {
    CAPTURE(request.substr(0, 100));
    const std::string text = answer(server, request);
    CHECK_THAT(text, StartsWith("HTTP/1.1 " + status + " "));
    CHECK_THAT(text, !Contains("hello") && !Contains("run()"));
  }
  CHECK(server.viewers() == 0);
}

TEST_CASE("a viewer is told what is new, and once more at the end", "[page]") {
  const LogRecord log;
  Counting counting;
  counting.allowed = 2;
  LivePageServer server(local_page(), files(), feed_of(counting));
  server.start();
  RawPeer viewer(server.port());
  CHECK_THAT(viewer.upgrade("/live", "Origin: http://localhost\r\n"), StartsWith("HTTP/1.1 101 "));
  CHECK(viewer.read().payload == "1");
  CHECK(viewer.read().payload == "2");
  CHECK(server.viewers() == 1);
  counting.allowed = 3;
  CHECK(viewer.read().payload == "3");
  counting.allowed = 5;
  server.stop();
  std::vector<std::string> rest;
  RawPeer::Received last;
  while ((last = viewer.read()).opcode == 1) rest.push_back(last.payload);
  CHECK(rest == std::vector<std::string>{"4", "5"});
  CHECK(close_code(last) == 1001);
  CHECK(server.viewers() == 0);
}

TEST_CASE("a viewer that says something is cut off", "[page]") {
  const LogRecord log;
  Counting counting;
  counting.allowed = 1;
  LivePageServer server(local_page(), files(), feed_of(counting));
  server.start();
  RawPeer viewer(server.port());
  viewer.upgrade("/live");
  CHECK(viewer.read().payload == "1");
  viewer.send_frame(1, "stop the run");
  CHECK(close_code(viewer.read()) == 1008);
  RawPeer loud(server.port());
  loud.upgrade("/live");
  loud.send_frame(2, std::string(100'000, 'x'));
  CHECK(close_code(loud.read()) == 1009);
  CHECK_THAT(log.text(), Contains("this page only tells") && Contains("too long"));
}

TEST_CASE("beyond this machine a viewer gives the token first", "[page]") {
  const LogRecord log;
  Counting counting;
  counting.allowed = 1;
  LivePageOptions options = local_page();
  options.listen.host = "0.0.0.0";
  CHECK_THROWS_AS(LivePageServer(options, files(), feed_of(counting)), ArgumentError);
  options.token = "abc";
  options.limits.handshake_timeout = Milliseconds(2000);
  LivePageServer server(options, files(), feed_of(counting));
  server.start();
  const auto joined = [&](const std::string& token) {
    RawPeer viewer(server.port());
    viewer.upgrade("/live");
    CHECK(viewer.read().payload == "token");
    viewer.send_frame(1, token);
    const auto received = viewer.read();
    return received.opcode == 1 ? received.payload : std::to_string(close_code(received));
  };
  CHECK(joined("abd") == "4401");
  CHECK(joined("") == "4401");
  CHECK(joined("abcabc") == "4401");
  CHECK(counting.told == 0);
  CHECK(joined("abc") == "1");
  // Whoever gives none is told nothing, and does not stay.
  RawPeer silent(server.port());
  silent.upgrade("/live");
  CHECK(silent.read().payload == "token");
  CHECK(close_code(silent.read()) == 4401);
}

TEST_CASE("a slow viewer misses what is old, and nothing piles up for it", "[page]") {
  const LogRecord log;
  Counting counting;
  counting.bytes = 1 << 20;
  counting.allowed = 1'000'000;
  LivePageOptions options = local_page();
  options.limits.idle_timeout = Milliseconds(400);
  options.limits.close_timeout = Milliseconds(100);
  LivePageServer server(options, files(), feed_of(counting));
  server.start();
  RawPeer deaf(server.port());
  deaf.upgrade("/live");
  // It reads nothing: the system's buffers take a few messages, and it is given up after a while.
  REQUIRE(eventually([&] { return counting.told > 0; }));
  CHECK(eventually([&] { return server.viewers() == 0; }));
  CHECK(counting.told < 64);
  CHECK_THAT(answer(server, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
}

TEST_CASE("there are not more viewers than are allowed", "[page]") {
  const LogRecord log;
  Counting counting;
  counting.allowed = 100;
  LivePageOptions options = local_page();
  options.max_viewers = 2;
  LivePageServer server(options, files(), feed_of(counting));
  server.start();
  RawPeer first(server.port()), third(server.port());
  auto second = std::make_unique<RawPeer>(server.port());
  first.upgrade("/live");
  second->upgrade("/live");
  CHECK(first.read().opcode == 1);
  CHECK(second->read().opcode == 1);
  CHECK_THAT(third.upgrade("/live"), StartsWith("HTTP/1.1 503 "));
  second.reset();
  CHECK(eventually([&] { return server.viewers() < 2; }));
  RawPeer fourth(server.port());
  CHECK_THAT(fourth.upgrade("/live"), StartsWith("HTTP/1.1 101 "));
  options.max_viewers = 0;
  CHECK_THROWS_WITH(LivePageServer(options, files(), feed_of(counting)), Contains("max_viewers is 0"));
  CHECK_THROWS_AS(LivePageServer(local_page(), {}, feed_of(counting)), ArgumentError);
  CHECK_THROWS_AS(LivePageServer(local_page(), files(), {}), ArgumentError);
}

TEST_CASE("what cannot be told ends one viewer, and the next one is served", "[page]") {
  const LogRecord log;
  struct Failing : PageFeed {
    std::shared_ptr<const std::string> next() override { throw Error("nothing today"); }
  };
  Counting counting;
  counting.allowed = 1;
  std::atomic<bool> fails{true};
  LivePageServer server(local_page(), files(), [&]() -> std::unique_ptr<PageFeed> {
    if (fails.exchange(false)) return std::make_unique<Failing>();
    return std::make_unique<CountingFeed>(counting);
  });
  server.start();
  RawPeer first(server.port());
  first.upgrade("/live");
  CHECK(close_code(first.read()) == 1011);
  RawPeer second(server.port());
  second.upgrade("/live");
  CHECK(second.read().payload == "1");
}
