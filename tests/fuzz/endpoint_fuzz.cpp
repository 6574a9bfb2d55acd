// Input: HOST:PORT as a user, or a Host header, writes it.

#include "fuzz/targets.h"
#include "genkidama/core/error.h"
#include "genkidama/net/endpoint.h"

namespace genkidama::fuzz {

void endpoint(Input input) {
  Endpoint parsed;
  try {
    parsed = Endpoint::parse(text_of(input));
  } catch (const ArgumentError&) {
    return;
  }
  require(!parsed.host.empty(), "a host");
  require_printable(parsed.host);
  static_cast<void>(parsed.is_loopback());
  const Endpoint again = Endpoint::parse(parsed.text());
  require(again.host == parsed.host && again.port == parsed.port && again.tls == parsed.tls,
          "an endpoint comes back the same");
}

}  // namespace genkidama::fuzz
