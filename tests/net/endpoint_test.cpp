#include "genkidama/net/endpoint.h"

#include <string>

#include "genkidama/core/error.h"
#include "support/catch.h"

using genkidama::ArgumentError;
using genkidama::Endpoint;

TEST_CASE("endpoints are read and written as users write them", "[endpoint]") {
  const auto check = [](const char* text, const char* host, int port) {
    const Endpoint endpoint = Endpoint::parse(text);
    CHECK(endpoint.host == host);
    CHECK(endpoint.port == port);
    CHECK(endpoint.text() == text);
    CHECK_FALSE(endpoint.tls);
    const Endpoint with_tls = Endpoint::parse("wss://" + std::string(text));
    CHECK(with_tls.tls);
    CHECK(with_tls.host == host);
    CHECK(with_tls.text() == "wss://" + std::string(text));
    CHECK(with_tls.authority() == text);
    CHECK_FALSE(with_tls.plain);
    const Endpoint plain = Endpoint::parse("ws://" + std::string(text));
    CHECK(plain.plain);
    CHECK_FALSE(plain.tls);
    CHECK(plain.host == host);
    CHECK(plain.text() == "ws://" + std::string(text));
    CHECK(plain.authority() == text);
  };
  check("192.168.1.7:7777", "192.168.1.7", 7777);
  check("pi-7.local:1", "pi-7.local", 1);
  check("localhost:0", "localhost", 0);
  check("[::1]:65535", "::1", 65535);
  check("[fe80::1%eth0]:80", "fe80::1%eth0", 80);
}

TEST_CASE("an endpoint knows whether only this machine reaches it", "[endpoint]") {
  for (const char* text : {"127.0.0.1:1", "127.8.9.10:1", "[::1]:1", "localhost:1"}) {
    CAPTURE(text);
    CHECK(Endpoint::parse(text).is_loopback());
  }
  for (const char* text : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "128.0.0.1:1", "127.1:1", "[fe80::1%eth0]:1",
                           "localhost.example:1", "pi-7:1"}) {
    CAPTURE(text);
    CHECK_FALSE(Endpoint::parse(text).is_loopback());
  }
}

TEST_CASE("text that is not an endpoint is refused with the form expected", "[endpoint]") {
  for (const char* text : {"",
                           ":",
                           "host",
                           "ws://",
                           "ws://wss://host:1",
                           "host:",
                           ":7777",
                           "host:65536",
                           "host:-1",
                           "host:+1",
                           "host: 1",
                           "host:1 ",
                           "host:7x",
                           "::1:80",
                           "[::1]",
                           "[]:80",
                           "[host]:80",
                           "[::1:80",
                           "a b:80",
                           "http://host:80",
                           "wss://",
                           "wss://host",
                           "wss://host:80/x",
                           "wss://wss://a:1",
                           "WSS://a:1",
                           "host/path:80",
                           "a\nb:80"}) {
    INFO(text);
    CHECK_THROWS_AS(Endpoint::parse(text), ArgumentError);
  }
  CHECK_THROWS_AS(Endpoint::parse(std::string(300, 'a') + ":80"), ArgumentError);
  CHECK_THROWS_WITH(Endpoint::parse("host"), Catch::Contains("'host'") && Catch::Contains("HOST:PORT"));
}
