// A page behind plain HTTP: who is answered, who is refused, and peers that are slow, silent or senseless.
#include "genkidama/net/page_server.h"

#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "net/link/http_gate.h"
#include "net/log_record.h"
#include "support/catch.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;
using Catch::StartsWith;

namespace {

PageOptions local_page() {
  PageOptions options;
  options.listen = {"127.0.0.1", 0};
  return options;
}

std::string answer(const PageServer& server, const std::string& bytes) {
  RawPeer peer(server.port());
  peer.send(bytes);
  return peer.read_to_end();
}

std::string get(const PageServer& server, const std::string& target = "/metrics",
                const std::string& headers = "Host: 127.0.0.1\r\n") {
  return answer(server, "GET " + target + " HTTP/1.1\r\n" + headers + "\r\n");
}

}  // namespace

TEST_CASE("a page is made anew for each request", "[page]") {
  const LogRecord log;
  int asked = 0;
  PageServer server(local_page(), [&asked] { return "asked " + std::to_string(++asked) + "\n"; });
  CHECK(server.port() == 0);
  server.start();
  const std::string first = get(server);
  CHECK_THAT(first, StartsWith("HTTP/1.1 200 OK\r\n"));
  CHECK_THAT(first,
             Contains("Content-Type: text/plain; charset=utf-8\r\n") && Contains("Content-Length: 8\r\n"));
  CHECK_THAT(first, Contains("Connection: close\r\n") && Catch::EndsWith("\r\n\r\nasked 1\n"));
  CHECK_THAT(get(server, "/metrics", "Host: [::1]:80\r\n"), Catch::EndsWith("asked 2\n"));
  CHECK_THAT(get(server, "/metrics", "Host: localhost\r\n"), Catch::EndsWith("asked 3\n"));
  server.stop();
  server.stop();
  CHECK_THROWS(RawPeer(server.port()));
}

TEST_CASE("whoever asks otherwise gets no page", "[page]") {
  const LogRecord log;
  PageServer server(local_page(), []() -> std::string { return "secret"; });
  server.start();
  const std::vector<std::pair<std::string, std::string>> requests = {
      {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"},
      {"GET /metrics/../metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"},
      {"GET /metrics?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"},
      {"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi", "405"},
      {"HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", "405"},
      {"GET /metrics HTTP/1.1\r\n\r\n", "400"},
      {"GET /metrics HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n", "400"},
      // A web page whose name was made to stand for this machine.
      {"GET /metrics HTTP/1.1\r\nHost: evil.example:80\r\n\r\n", "403"},
      {"GET /metrics HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\r\n", "403"},
      {"\x16\x03\x01 this is no HTTP\r\n\r\n", "400"},
      {"GET /metrics HTTP/1.1\r\nHost: localhost\r\nMore: " + std::string(9000, 'x') + "\r\n\r\n", "400"},
  };
  for (const auto& [request, status] : requests) {
    CAPTURE(request.substr(0, 80));
    const std::string text = answer(server, request);
    CHECK_THAT(text, StartsWith("HTTP/1.1 " + status + " "));
    CHECK_THAT(text, !Contains("secret"));
  }
  // A second request on the same connection is not answered.
  const std::string one = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const std::string text = answer(server, one + one);
  CHECK(text.find("secret") == text.rfind("secret"));
}

TEST_CASE("a page beyond this machine wants a token", "[page]") {
  const LogRecord log;
  PageOptions options = local_page();
  options.listen.host = "0.0.0.0";
  CHECK_THROWS_AS(PageServer(options, [] { return std::string(); }), ArgumentError);
  options.listen.tls = true;
  options.token = "abc";
  CHECK_THROWS_WITH(PageServer(options, [] { return std::string(); }), Contains("without TLS"));
  CHECK_THROWS_AS(PageServer(local_page(), {}), ArgumentError);
}

TEST_CASE("the token opens a page, wherever it is asked for", "[page]") {
  boost::beast::http::request<boost::beast::http::empty_body> request(boost::beast::http::verb::get,
                                                                      "/metrics", 11);
  request.set(boost::beast::http::field::host, "parent-host:9100");
  const auto status = [&](std::string_view token, bool is_local) {
    const auto refusal = refuse_page_request(request, "/metrics", token, is_local);
    return refusal ? refusal->response.result_int() : 200U;
  };
  CHECK(status("", false) == 200);
  CHECK(status("", true) == 403);
  CHECK(status("abc", false) == 401);
  request.set(boost::beast::http::field::authorization, "Bearer abd");
  CHECK(status("abc", false) == 401);
  request.set(boost::beast::http::field::authorization, "Bearer abc");
  CHECK(status("abc", false) == 200);
}

TEST_CASE("silent, slow and many connections do not keep a page from others", "[page]") {
  const LogRecord log;
  PageOptions options = local_page();
  options.limits.handshake_timeout = Milliseconds(100);
  options.limits.close_timeout = Milliseconds(100);
  PageServer server(options, [] { return std::string(1 << 20, 'x'); });
  server.start();
  RawPeer silent(server.port()), half(server.port()), deaf(server.port());
  half.send("GET /metrics HTTP/1.1\r\nHo");
  deaf.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK_THAT(get(server), StartsWith("HTTP/1.1 200 OK\r\n"));
  CHECK(silent.read_to_end().empty());
  CHECK(half.read_to_end().empty());
}

TEST_CASE("a page that cannot be made ends one connection, and the next one is served", "[page]") {
  const LogRecord log;
  bool fails = true;
  PageServer server(local_page(), [&fails]() -> std::string {
    if (std::exchange(fails, false)) throw Error("no page today");
    return "here";
  });
  server.start();
  CHECK(get(server).empty());
  CHECK_THAT(get(server), Catch::EndsWith("here"));
}
