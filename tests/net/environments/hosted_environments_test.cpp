// A server's environments and the hosts that step them, over loopback.
#include <fmt/format.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/env/checked_environment.h"
#include "genkidama/wire/environment_frames.h"
#include "genkidama/wire/environment_hello.h"
#include "net/environments/fixture.h"
#include "net/log_record.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/raw_peer.h"
#include "support/relay.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

/// A sound action after this mask.
std::vector<float> draw(Random& random, ActionMask mask) {
  float choice = 0;
  do {
    choice = static_cast<float>(random.below(3));
  } while (!mask.empty() && mask[static_cast<std::size_t>(choice)] == 0);
  return {choice, static_cast<float>(random.uniform(-1, 1))};
}

/// A peer that plays a host with one environment, and says what no sound one would.
class RawHost {
 public:
  explicit RawHost(std::uint16_t port, std::uint64_t environments = 1) : peer_(port) {
    peer_.upgrade();
    EnvironmentHello hello;
    hello.name = "raw";
    hello.environments = environments;
    hello.environment.name = "Seed";
    hello.environment.observation_shape = {3};
    hello.environment.choices = {3};
    hello.environment.low = {-1};
    hello.environment.high = {1};
    hello.environment.masks_actions = true;
    hello.environment.time_limit = 9;
    hello.environment.metrics = {"sum"};
    peer_.send_frame(1, encode_environment_hello(hello));
    peer_.read_message<WelcomeMessage>();
  }

  EnvironmentRequest read_request() {
    const auto received = peer_.read();
    REQUIRE(received.opcode == 2);
    const auto rows =
        decode_environment_requests(std::as_bytes(std::span(received.payload)), kSizes, values_);
    REQUIRE(rows.ok());
    return rows.value().front();
  }
  void send(const std::vector<std::byte>& frame) {
    peer_.send_frame(2, {reinterpret_cast<const char*>(frame.data()), frame.size()});
  }
  void answer(const EnvironmentAnswer& answer) {
    EnvironmentFrame frame;
    frame.add(answer);
    send(frame.finish());
  }
  RefuseMessage read_refusal() { return peer_.read_message<RefuseMessage>(); }

  static constexpr EnvironmentSizes kSizes{3, 2, 3, 1};
  const std::vector<float> observation{1, 2, 3};
  const std::vector<std::uint8_t> mask{1, 1, 0};

  EnvironmentAnswer sound(const EnvironmentRequest& request) const {
    EnvironmentAnswer answer;
    answer.environment = request.environment;
    answer.ticket = request.ticket;
    answer.is_reset = request.is_reset;
    answer.observation = observation;
    answer.mask = mask;
    return answer;
  }

 private:
  RawPeer peer_;
  std::vector<float> values_;
};

}  // namespace

TEST_CASE("a hosted environment plays what a local one plays, bit for bit", "[environments]") {
  const RunningServer server;
  const RunningHost host(host_options(server.port()));
  const auto hosted = make_checked(server.make());
  const auto local = make_checked(std::make_unique<SeedEnvironment>());
  Random random(3);
  int ended = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    if (seed % 2 == 0) hosted->prepare_reset(seed);
    CHECK(same_bits(hosted->reset(seed), local->reset(seed)));
    StepResult result;
    while (!result.terminated && !result.truncated) {
      const auto mask = local->action_mask();
      REQUIRE(
          std::equal(mask.begin(), mask.end(), hosted->action_mask().begin(), hosted->action_mask().end()));
      const std::vector<float> action = draw(random, mask);
      if (seed % 3 == 0) hosted->prepare_step(action);
      const StepResult far = hosted->step(action);
      result = local->step(action);
      REQUIRE_FALSE(far.lost);
      REQUIRE(same_bits(far.observation, result.observation));
      REQUIRE(same_bits({&far.reward, 1}, {&result.reward, 1}));
      REQUIRE(far.terminated == result.terminated);
      REQUIRE(far.truncated == result.truncated);
      if (far.terminated || far.truncated) REQUIRE(same_bits(far.metrics, result.metrics));
    }
    ended += result.terminated ? 1 : 100;
  }
  CHECK(ended % 100 > 5);
  CHECK(ended / 100 > 5);
  const auto status = server.environments.status();
  CHECK(status.resets == 60);
  CHECK(status.lost_steps == 0);
  CHECK(status.hosts.at(0).steps == status.steps);
}

TEST_CASE("whatever is ready is asked in one frame and answered in one", "[environments]") {
  constexpr int kEach = 48;
  HostedEnvironments environments(server_options(2, kEach), SeedEnvironment().spec());
  std::vector<std::unique_ptr<Environment>> all;
  for (int worker = 0; worker < 2; ++worker) {
    for (int index = 0; index < kEach; ++index) {
      EnvironmentContext context;
      context.worker = worker;
      context.index = index;
      all.push_back(environments.factory()(context));
      all.back()->prepare_reset(static_cast<std::uint64_t>(all.size()));
      CHECK_FALSE(all.back()->is_ready());
    }
  }
  environments.start();
  const RunningHost host(host_options(environments.ports().at(0), 2 * kEach));
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(all[i]->reset(i + 1)[0] == static_cast<float>(i + 1));
  REQUIRE(eventually([&] { return environments.status().resets == all.size(); }));
  CHECK(environments.status().frames == 1);
  for (const auto& each : all) CHECK(each->is_ready());
}

TEST_CASE("a factory knows the workers that it was made for", "[environments]") {
  const RunningServer server(server_options(2, 3));
  CHECK(server.make(1, 2)->spec().name == "Seed");
  CHECK_THROWS_WITH(server.make(2, 0), Contains("environment 0 of worker 2 is asked for; the server has 2"));
  CHECK_THROWS_WITH(server.make(0, 3), Contains("3 environments each"));
}

TEST_CASE("what a host owed when it went is lost, and another one plays the next episode", "[environments]") {
  StepGate gate;
  const RunningServer server;
  Relay relay(server.port());
  const RunningHost first(host_options(relay.port(), 1, "first"), &gate);
  const auto hosted = make_checked(server.make());
  const std::vector<float> before = [&] {
    const auto observation = hosted->reset(12);
    return std::vector<float>(observation.begin(), observation.end());
  }();
  REQUIRE(eventually([&] { return server.environments.status().hosts.size() == 1; }));
  gate.shut();
  std::thread killer([&] {
    gate.wait_for_arrival();
    relay.cut(0);
  });
  const StepResult lost = hosted->step(std::vector<float>{1, 0});
  killer.join();
  CHECK(lost.lost);
  CHECK(lost.truncated);
  CHECK(same_bits(lost.observation, before));
  REQUIRE(eventually([&] { return server.environments.status().hosts.empty(); }));
  const RunningHost second(host_options(server.port(), 1, "second"));
  CHECK(hosted->reset(13)[0] == 13);
  CHECK_FALSE(hosted->step(std::vector<float>{1, 0}).lost);
  CHECK(server.environments.status().lost_steps == 1);
  CHECK(server.environments.status().hosts.at(0).name == "second");
  CHECK(server.environments.status().lost_hosts == 1);
  CHECK(server.environments.status().replaced == 1);
  gate.open();
}

TEST_CASE("an episode that began on a host that is gone does not go on on another one", "[environments]") {
  const RunningServer server;
  Relay relay(server.port());
  const RunningHost first(host_options(relay.port(), 1, "first"));
  const auto hosted = make_checked(server.make());
  hosted->reset(12);
  const RunningHost second(host_options(server.port(), 1, "second"));
  REQUIRE(eventually([&] { return server.environments.status().hosts.size() == 2; }));
  relay.cut(0);
  REQUIRE(eventually([&] { return server.environments.status().hosts.size() == 1; }));
  CHECK(server.environments.status().hosted == 1);
  CHECK(hosted->step(std::vector<float>{1, 0}).lost);
  CHECK(hosted->reset(13)[0] == 13);
}

TEST_CASE("a reset that waits is played by whoever comes, and the log says once that nobody is there",
          "[environments]") {
  const LogRecord log;
  const RunningServer server(server_options(1, 2));
  const auto one = server.make(0, 0), two = server.make(0, 1);
  one->prepare_reset(1);
  two->prepare_reset(2);
  REQUIRE(eventually([&] { return log.holds("no host of environments is connected", "the workers wait"); }));
  // One environment for two slots.
  const RunningHost small(host_options(server.port(), 1, "small"));
  REQUIRE(eventually([&] { return one->is_ready() || two->is_ready(); }));
  CHECK(server.environments.status().hosted == 1);
  const RunningHost spare(host_options(server.port(), 5, "spare"));
  CHECK(one->reset(1)[0] == 1);
  CHECK(two->reset(2)[0] == 2);
  CHECK(server.environments.status().hosted == 2);
  const std::string text = log.text();
  const auto at = text.find("no host of environments");
  CHECK(text.find("no host of environments", at + 1) == std::string::npos);
}

TEST_CASE("whoever is told to wait no longer gets an observation and a lost step", "[environments]") {
  const RunningServer server;
  std::atomic<bool> waits{false};
  const auto hosted = make_checked(server.make(0, 0, [&waits] { return waits.load(); }));
  CHECK(hosted->reset(1).size() == 3);
  CHECK(hosted->step(std::vector<float>{0, 0}).lost);
  waits = true;
  const RunningHost host(host_options(server.port()));
  CHECK(hosted->reset(14)[0] == 14);
  CHECK_FALSE(hosted->step(std::vector<float>{0, 0}).lost);
}

TEST_CASE("a step that was prepared is not played again with another action", "[environments]") {
  const RunningServer server;
  const RunningHost host(host_options(server.port()));
  const auto hosted = server.make();
  hosted->reset(12);
  hosted->prepare_step(std::vector<float>{1, 0});
  CHECK(hosted->step(std::vector<float>{2, 0}).lost);
  // A reset may follow a prepared step.
  hosted->reset(12);
  hosted->prepare_step(std::vector<float>{1, 0});
  CHECK(hosted->reset(11)[0] == 11);
  CHECK(hosted->step(std::vector<float>{2, 0}).observation[1] == 1);
}

TEST_CASE("who takes a dead worker's place is given no answer of its", "[environments]") {
  StepGate gate;
  const RunningServer server;
  const RunningHost host(host_options(server.port()), &gate);
  const auto dead = server.make();
  dead->reset(12);
  gate.shut();
  dead->prepare_step(std::vector<float>{2, 0});
  gate.wait_for_arrival();
  // The host still plays the dead one's step.
  const auto replacement = make_checked(server.make());
  replacement->prepare_reset(25);
  gate.open();
  CHECK(replacement->reset(25)[0] == 25);
  const StepResult result = replacement->step(std::vector<float>{1, 0});
  CHECK(result.observation[1] == 1);
  CHECK(result.observation[2] == 1);
}

TEST_CASE("a host that is refused again and again is told of once, until its reason changes",
          "[environments]") {
  const LogRecord log;
  const RunningServer server;
  const auto count = [&log](const std::string& what) {
    std::size_t found = 0;
    const std::string text = log.text();
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
  };
  const std::string refused = "did not join: refused: what is played differs";
  for (int i = 0; i < 3; ++i) {
    RunningHost host(host_options(server.port()), EnvironmentFactory([] { return make_cart_pole(); }));
    CHECK_THAT(host.result(), Contains("refuses this host"));
  }
  CHECK(server.environments.status().refused_peers == 9);
  CHECK(count(refused) == 1);
  RunningHost tenth(host_options(server.port()), EnvironmentFactory([] { return make_cart_pole(); }));
  CHECK_THAT(tenth.result(), Contains("refuses this host"));
  CHECK(count(refused) == 2);
  CHECK(log.holds(refused, "(10 times so far)"));
  CHECK(log.holds("host 'host': the server at", "refused this host"));
}

TEST_CASE("a host of another environment is refused in a line that names both", "[environments]") {
  const RunningServer server;
  RunningHost host(host_options(server.port()), EnvironmentFactory([] { return make_cart_pole(); }));
  CHECK_THAT(host.result(), Contains("refuses this host: what is played differs") &&
                                Contains("the environment is 'Seed' at the server 'server'") &&
                                Contains("at the host 'host'") && Contains("CartPole"));
  CHECK(server.environments.status().refused_peers == 3);
  EnvironmentSpec other = SeedEnvironment().spec();
  other.time_limit = 10;
  const RunningServer longer(server_options(), other);
  RunningHost again(host_options(longer.port()));
  CHECK_THAT(again.result(),
             Contains("the time limit of Seed is 10 at the server") && Contains("and 9 at the"));
  other.time_limit = 9;
  other.action_space.high = {2};
  const RunningServer wider(server_options(), other);
  RunningHost narrow(host_options(wider.port()));
  CHECK_THAT(narrow.result(),
             Contains("an action of Seed is choices among 3 and 1 numbers from (-1) to (2)") &&
                 Contains("to (1) at the host"));
}

TEST_CASE("a token, and who is at the other end, are looked at first", "[environments]") {
  HostedEnvironmentsOptions guarded = server_options();
  guarded.security.token = "a-token-of-some-length";
  const RunningServer server(guarded);
  EnvironmentHostOptions options = host_options(server.port());
  options.join_timeout = Milliseconds(400);
  RunningHost stranger(options);
  CHECK_THAT(stranger.result(), Contains("no link to the server at 127.0.0.1:") && Contains("within 0.4 s") &&
                                    Contains("token"));
  CHECK(server.environments.status().refused_peers > 0);
  options.security.token = guarded.security.token;
  const RunningHost host(options);
  CHECK(server.make()->reset(4)[0] == 4);
  // Others that speak the same protocol.
  const RunningServer open;
  FakeTrainer trainer;
  Child child(child_options(open.port()), trainer);
  CHECK_THROWS_WITH(child.run(), Contains("this is a server of environments"));
  RunningParent parent;
  RunningHost lost(host_options(parent.port()));
  CHECK_THAT(lost.result(), Contains("refuses this host") && Contains("environment_hello"));
}

TEST_CASE("an answer that was not asked for closes the link, and changes nothing", "[environments]") {
  const RunningServer server;
  const auto hosted = make_checked(server.make());
  const auto refusal_of = [&](const std::function<void(RawHost&, const EnvironmentRequest&)>& act) {
    RawHost host(server.port());
    hosted->prepare_reset(1);
    const EnvironmentRequest request = host.read_request();
    act(host, request);
    const RefuseMessage refusal = host.read_refusal();
    CHECK_FALSE(hosted->is_ready());
    return fmt::format("{}: {}", refusal_code_text(refusal.code), refusal.reason);
  };
  const auto changed = [&](const std::function<void(EnvironmentAnswer&)>& change) {
    return refusal_of([&](RawHost& host, const EnvironmentRequest& request) {
      EnvironmentAnswer answer = host.sound(request);
      change(answer);
      host.answer(answer);
    });
  };
  CHECK_THAT(changed([](EnvironmentAnswer& answer) { answer.environment = 1; }),
             Contains("sequence: an answer of environment 1 of a host with 1"));
  CHECK_THAT(changed([](EnvironmentAnswer& answer) { ++answer.ticket; }),
             Contains("sequence: an answer of environment 0 with ticket 2 where 1 is due"));
  CHECK_THAT(changed([](EnvironmentAnswer& answer) { answer.is_reset = false; }),
             Contains("sequence") && Contains("to begin an episode, and played a step"));
  CHECK_THAT(changed([](EnvironmentAnswer& answer) {
               answer.is_reset = false;
               answer.lost = true;
             }),
             Contains("sequence") && Contains("played a step"));
  static const std::vector<float> bad = {1, 2, std::numeric_limits<float>::quiet_NaN()};
  CHECK_THAT(changed([](EnvironmentAnswer& answer) { answer.observation = bad; }),
             Contains("frame") && Contains("not finite"));
  CHECK_THAT(changed([](EnvironmentAnswer& answer) { answer.observation = std::span(bad).first(2); }),
             Contains("frame") && Contains("ends within row 0"));
  static const std::vector<std::uint8_t> nothing = {0, 0, 0};
  CHECK_THAT(changed([](EnvironmentAnswer& answer) { answer.mask = nothing; }),
             Contains("frame") && Contains("its mask"));
  CHECK_THAT(refusal_of([](RawHost& host, const EnvironmentRequest& request) {
               EnvironmentFrame frame;
               frame.add(host.sound(request));
               frame.add(host.sound(request));
               host.send(frame.finish());
             }),
             Contains("sequence") && Contains("has answered already"));
  CHECK_THAT(
      refusal_of([](RawHost& host, const EnvironmentRequest&) { host.send(std::vector<std::byte>(20)); }),
      Contains("frame: environments: no frame of environments"));
  CHECK(server.environments.status().refused_frames == 9);
  CHECK(server.environments.status().resets == 0);
  // The same request is played by a sound one.
  const RunningHost host(host_options(server.port()));
  CHECK(hosted->reset(1)[0] == 1);
}

TEST_CASE("an answer that comes twice closes the link", "[environments]") {
  const RunningServer server;
  const auto hosted = make_checked(server.make());
  RawHost host(server.port());
  hosted->prepare_reset(1);
  const EnvironmentAnswer answer = host.sound(host.read_request());
  host.answer(answer);
  host.answer(answer);
  CHECK_THAT(host.read_refusal().reason, Contains("that was not asked for"));
  CHECK(hosted->reset(1)[0] == 1);
  CHECK(hosted->step(std::vector<float>{0, 0}).lost);
}

TEST_CASE("a host that owes answers and says nothing is given up", "[environments]") {
  HostedEnvironmentsOptions options = server_options();
  options.answer_timeout = Milliseconds(200);
  const RunningServer server(options);
  const auto hosted = make_checked(server.make());
  RawHost silent(server.port());
  hosted->prepare_reset(1);
  silent.answer(silent.sound(silent.read_request()));
  hosted->reset(1);
  CHECK(hosted->step(std::vector<float>{0, 0}).lost);
  REQUIRE(eventually([&] { return server.environments.status().hosts.empty(); }));
}

TEST_CASE("hosts end when the server says that the run is over", "[environments]") {
  auto server = std::make_unique<RunningServer>();
  RunningHost host(host_options(server->port()));
  const auto hosted = server->make();
  hosted->reset(3);
  server->environments.stop("enough was learnt");
  CHECK(host.result() == "enough was learnt");
  // Nobody waits for what will not come.
  CHECK(hosted->step(std::vector<float>{0, 0}).lost);
  CHECK(hosted->reset(4).size() == 3);
}

TEST_CASE("a host waits for its server to come back, but not for ever", "[environments]") {
  auto server = std::make_unique<RunningServer>();
  Relay relay(server->port());
  EnvironmentHostOptions options = host_options(relay.port());
  options.away_timeout = Milliseconds(300);
  RunningHost host(options);
  CHECK(server->make()->reset(5)[0] == 5);
  // Gone without a word, and another one in its place.
  relay.cut(server->port());
  REQUIRE(eventually([&] { return server->environments.status().joined == 2; }));
  CHECK(server->make()->reset(6)[0] == 6);
  relay.cut(0);
  CHECK_THAT(host.result(), Contains("threw: the server at 127.0.0.1:") && Contains("away for 0.3 s"));
}

TEST_CASE("a host whose environment fails says so and goes", "[environments]") {
  class Failing final : public DiscreteEnvironment {
   public:
    Failing() : inner_(make_cart_pole()) {}
    const EnvironmentSpec& spec() const override { return inner_->spec(); }
    Observation reset(std::uint64_t seed) override { return inner_->reset(seed); }
    StepResult step(int) override { throw std::runtime_error("the motor is stuck"); }

   private:
    std::unique_ptr<Environment> inner_;
  };
  const RunningServer server(server_options(), make_cart_pole()->spec());
  RunningHost host(host_options(server.port()),
                   EnvironmentFactory([] { return std::make_unique<Failing>(); }));
  const auto hosted = make_checked(server.make());
  hosted->reset(1);
  CHECK(hosted->step(1).lost);
  CHECK_THAT(host.result(), Contains("the motor is stuck"));
}

TEST_CASE("options of servers and hosts are checked", "[environments]") {
  const EnvironmentSpec spec = SeedEnvironment().spec();
  HostedEnvironmentsOptions options = server_options();
  options.listen = {};
  CHECK_THROWS_WITH(HostedEnvironments(options, spec), Contains("a server needs an endpoint"));
  CHECK_THROWS_WITH(HostedEnvironments(server_options(0), spec), Contains("0 workers with 1 environments"));
  options = server_options();
  options.answer_timeout = Milliseconds(0);
  CHECK_THROWS_WITH(HostedEnvironments(options, spec), Contains("answer_timeout is 0 ms"));
  options = server_options();
  options.listen = {{"0.0.0.0", 0}};
  CHECK_THROWS_WITH(HostedEnvironments(options, spec), Contains("token"));
  const EnvironmentFactory factory([] { return std::make_unique<SeedEnvironment>(); });
  CHECK_THROWS_WITH(EnvironmentHost(host_options(1, 0), factory),
                    Contains("0 environments; expected 1 to 4096"));
  CHECK_THROWS_WITH(EnvironmentHost(host_options(1), nullptr), Contains("no environment factory"));
}
