// Which HTTP requests a listener turns into a WebSocket.
#include <sys/socket.h>

#include <string>
#include <utility>
#include <vector>

#include "net/fixture.h"
#include "net/token_fixture.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

std::string bearer(const std::string& token) {
  return "Authorization: Bearer " + token + "\r\n";
}

std::string request(const std::string& target, const std::string& headers) {
  return "GET " + target + " HTTP/1.1\r\n" + headers +
         "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
         "Sec-WebSocket-Version: 13\r\n\r\n";
}

}  // namespace

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
