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
  };
  check("192.168.1.7:7777", "192.168.1.7", 7777);
  check("pi-7.local:1", "pi-7.local", 1);
  check("localhost:0", "localhost", 0);
  check("[::1]:65535", "::1", 65535);
  check("[fe80::1%eth0]:80", "fe80::1%eth0", 80);
}

TEST_CASE("text that is not an endpoint is refused with the form expected", "[endpoint]") {
  for (const char* text :
       {"",          ":",       "host",    "host:",        ":7777",        "host:65536", "host:-1",
        "host:+1",   "host: 1", "host:1 ", "host:7x",      "::1:80",       "[::1]",      "[]:80",
        "[host]:80", "[::1:80", "a b:80",  "ws://host:80", "host/path:80", "a\nb:80"}) {
    INFO(text);
    CHECK_THROWS_AS(Endpoint::parse(text), ArgumentError);
  }
  CHECK_THROWS_AS(Endpoint::parse(std::string(300, 'a') + ":80"), ArgumentError);
  CHECK_THROWS_WITH(Endpoint::parse("host"), Catch::Contains("'host'") && Catch::Contains("HOST:PORT"));
}
