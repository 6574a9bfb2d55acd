#include "net/host/listener.h"

#include <set>
#include <vector>

#include "genkidama/core/error.h"
#include "net/fixture.h"
#include "net/log_record.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// What this machine takes localhost for: 127.0.0.1, ::1, or both.
std::vector<asio::ip::address> localhost(asio::io_context& context) {
  std::set<asio::ip::address> addresses;
  for (const auto& entry : tcp::resolver(context).resolve("localhost", "0")) {
    addresses.insert(entry.endpoint().address());
  }
  return {addresses.begin(), addresses.end()};
}

}  // namespace

TEST_CASE("a listener at a name listens at each of its addresses, with one port", "[listener]") {
  asio::io_context context(1);
  const auto addresses = localhost(context);
  const auto listeners = listen_at(context, {"localhost", 0});
  REQUIRE(listeners.size() == addresses.size());
  CHECK(listeners.front()->port() != 0);
  for (const auto& listener : listeners) CHECK(listener->port() == listeners.front()->port());
  for (const auto& address : addresses) {
    CAPTURE(address.to_string());
    tcp::socket socket(context);
    CHECK_NOTHROW(socket.connect({address, listeners.front()->port()}));
  }
}

TEST_CASE("a name is not listened at when one of its addresses is in use", "[listener]") {
  asio::io_context context(1);
  // The last one: those before it are free.
  const tcp::acceptor taken(context, {localhost(context).back(), 0}, /*reuse_addr=*/false);
  const std::uint16_t port = taken.local_endpoint().port();
  CHECK_THROWS_AS(listen_at(context, {"localhost", port}), IoError);
  CHECK_THROWS_WITH(listen_at(context, {"localhost", port}),
                    Catch::Contains("cannot listen at localhost:" + std::to_string(port)));
  // Those before it were let go again.
  for (std::size_t i = 0; i + 1 < localhost(context).size(); ++i) {
    CHECK_NOTHROW(tcp::acceptor(context, {localhost(context)[i], port}));
  }
}

TEST_CASE("an address that is not this machine's is an error that names it", "[listener]") {
  asio::io_context context(1);
  CHECK_THROWS_WITH(listen_at(context, {"192.0.2.1", 0}), Catch::Contains("cannot listen at 192.0.2.1:0"));
}

TEST_CASE("the log says at which addresses a Parent listens, and in what", "[listener]") {
  const LogRecord log;
  ParentOptions options = parent_options();
  options.listen = {Endpoint::parse("localhost:0")};
  const RunningParent running(options);
  for (const std::string& address : {"127.0.0.1:" + std::to_string(running.port())}) {
    CHECK(log.holds("parent: listens at ", address));
  }
  CHECK(log.holds("(localhost:0, no TLS)", "parent"));
}
