// A name with several addresses: a dead one costs a moment, not the deadline.
#include "net/host/connection_race.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/host/dialer.h"
#include "support/catch.h"

using namespace genkidama;

namespace {

tcp::endpoint address(const char* host, std::uint16_t port = 7777) {
  return {asio::ip::make_address(host), port};
}

/// A port of this machine that answers.
struct Alive {
  explicit Alive(asio::io_context& context) : acceptor(context, address("127.0.0.1", 0)) {}
  tcp::endpoint where() const { return acceptor.local_endpoint(); }

  tcp::acceptor acceptor;
};

/// A port that swallows packets, as a broken route does: its queue is full, and the system answers nobody.
struct Dead {
  explicit Dead(asio::io_context& context) : acceptor(context) {
    acceptor.open(tcp::v4());
    acceptor.bind(address("127.0.0.1", 0));
    acceptor.listen(0);
    do {
      REQUIRE(waiting.size() < 1'000);
      waiting.emplace_back(context, tcp::v4());
    } while (is_answered(waiting.back()));
  }
  tcp::endpoint where() const { return acceptor.local_endpoint(); }

  bool is_answered(tcp::socket& socket) const {
    constexpr int kMilliseconds = 20;
    const tcp::endpoint to = where();
    ::fcntl(socket.native_handle(), F_SETFL, O_NONBLOCK);
    if (::connect(socket.native_handle(), to.data(), static_cast<socklen_t>(to.size())) == 0) return true;
    pollfd connected{socket.native_handle(), POLLOUT, 0};
    return ::poll(&connected, 1, kMilliseconds) == 1;
  }

  tcp::acceptor acceptor;
  std::vector<tcp::socket> waiting;
};

/// A port that nobody listens at.
tcp::endpoint refusing(asio::io_context& context) {
  return Alive(context).where();
}

struct Result {
  ErrorCode error;
  tcp::endpoint winner;
  bool connected = false;
  int calls = 0;
};

struct Flag {
  bool pending = false;
};

/// Runs a race to its end; `meanwhile` is called once it has begun.
Result race(asio::io_context& context, std::vector<tcp::endpoint> addresses,
            const std::function<void(ConnectionRace&)>& meanwhile = {}) {
  Result result;
  const auto owner = std::make_shared<Flag>();
  const auto race =
      std::make_shared<ConnectionRace>(context, std::move(addresses), PendingFlag(owner, owner->pending));
  CHECK(owner->pending);
  race->start([&](ErrorCode error, const tcp::socket& socket, const tcp::endpoint& winner) {
    result.error = error;
    result.winner = winner;
    result.connected = socket.is_open();
    ++result.calls;
    CHECK_FALSE(owner->pending);
  });
  if (meanwhile) meanwhile(*race);
  context.run();
  return result;
}

}  // namespace

TEST_CASE("a dead first address does not keep a dialler from the next", "[dialler]") {
  asio::io_context context(1);
  const Dead dead(context);
  const Alive alive(context);
  const Result result = race(context, {dead.where(), alive.where()});
  CHECK_FALSE(result.error);
  CHECK(result.connected);
  CHECK(result.winner == alive.where());
  CHECK(result.calls == 1);
}

TEST_CASE("an address that refuses is left for the next at once", "[dialler]") {
  asio::io_context context(1);
  const Alive alive(context);
  const Result result = race(context, {refusing(context), refusing(context), alive.where()});
  CHECK_FALSE(result.error);
  CHECK(result.winner == alive.where());
  CHECK(result.calls == 1);
}

TEST_CASE("the first address is the one that is taken when it answers", "[dialler]") {
  asio::io_context context(1);
  const Alive alive(context), another(context);
  CHECK(race(context, {alive.where(), another.where()}).winner == alive.where());
}

TEST_CASE("when no address answers the reason is told once", "[dialler]") {
  asio::io_context context(1);
  const Result result = race(context, {refusing(context), refusing(context)});
  CHECK(result.error == asio::error::connection_refused);
  CHECK_FALSE(result.connected);
  CHECK(result.calls == 1);
}

TEST_CASE("a race that is cancelled ends with an error, also when addresses are left", "[dialler]") {
  asio::io_context context(1);
  const Dead dead(context), another(context);
  const Alive alive(context);
  const Result result = race(context, {dead.where(), another.where(), alive.where()},
                             [](ConnectionRace& begun) { begun.cancel(); });
  CHECK(result.error == asio::error::operation_aborted);
  CHECK(result.calls == 1);
}

TEST_CASE("the families of a name's addresses take turns, and a repeated one counts once", "[dialler]") {
  const tcp::endpoint none;
  const auto a = address("fd00::1"), b = address("fd00::2"), c = address("fd00::3"), d = address("10.0.0.1"),
             e = address("10.0.0.2");
  using List = std::vector<tcp::endpoint>;
  CHECK(race_order({a, b, c, d, e}, none, true) == List{a, d, b, e, c});
  CHECK(race_order({d, e, a}, none, true) == List{d, a, e});
  CHECK(race_order({d, d, a, a, d}, none, true) == List{d, a});
  CHECK(race_order({a}, a, true) == List{a});
}

TEST_CASE("a redial begins with the address after the last one, unless that one worked", "[dialler]") {
  const auto a = address("fd00::1"), b = address("fd00::2"), c = address("10.0.0.1"), d = address("10.0.0.2");
  using List = std::vector<tcp::endpoint>;
  CHECK(race_order({a, b, c, d}, a, true) == List{c, b, d, a});
  CHECK(race_order({a, b, c, d}, d, true) == List{a, c, b, d});
  CHECK(race_order({a, b, c, d}, b, false) == List{b, d, a, c});
  // It has gone from the name.
  CHECK(race_order({a, b, c}, d, true) == List{a, c, b});
}

TEST_CASE("a dialler that is stopped in an attempt tells nobody", "[dialler]") {
  asio::io_context context(1);
  const Dead dead(context);
  const auto dialler =
      std::make_shared<Dialer>(context, Endpoint{"127.0.0.1", dead.where().port()},
                               Dialer::Timing{std::chrono::minutes(10), Milliseconds(1), Milliseconds(1)});
  int calls = 0;
  dialler->start([&](const tcp::socket&) { ++calls; }, [&](const std::string&) { ++calls; });
  // The name is resolved, and the attempt begins.
  context.run_one();
  dialler->stop();
  context.run();
  CHECK(calls == 0);
}

TEST_CASE("a dialler gives up an attempt after its timeout and begins another", "[dialler]") {
  asio::io_context context(1);
  const Dead dead(context);
  const auto dialler =
      std::make_shared<Dialer>(context, Endpoint{"127.0.0.1", dead.where().port()},
                               Dialer::Timing{Milliseconds(20), Milliseconds(1), Milliseconds(1)});
  std::vector<std::string> failures;
  dialler->start([](const tcp::socket&) {},
                 [&](const std::string& reason) {
                   failures.push_back(reason);
                   if (failures.size() == 2) dialler->stop();
                 });
  context.run();
  REQUIRE(failures.size() == 2);
  CHECK_THAT(failures[1], Catch::Contains("no answer within 0.02 s"));
}
