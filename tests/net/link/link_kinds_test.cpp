// What holds for every kind of link: each case is run over plain connections and over TLS.
#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/params/weighted_average.h"
#include "net/child_thread.h"
#include "net/fixture.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/patience.h"
#include "support/relay.h"
#ifdef GENKIDAMA_TEST_TLS
#include "support/certificates.h"
#include "support/temporary_directory.h"
#endif

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// One way to connect a Parent and a Child, and who dials.
class LinkKind {
 public:
  explicit LinkKind(bool tls) : tls_(tls) {
#ifdef GENKIDAMA_TEST_TLS
    if (!tls) return;
    const auto files = authority_.issue("listener");
    listener_ = {files.certificate, files.key, "", ""};
    dialler_.ca = authority_.file();
#endif
  }

  ParentOptions listening_parent(double alpha = 0.5) const {
    ParentOptions options = parent_options(alpha);
    options.security.tls = listener_;
    return options;
  }
  ParentOptions dialling_parent(std::uint16_t port, double alpha = 0.5) const {
    ParentOptions options = parent_options(alpha);
    options.listen.clear();
    options.connect = {loopback(port)};
    options.connect.front().tls = tls_;
    options.security.tls = dialler_;
    return options;
  }
  ChildOptions dialling_child(std::uint16_t port, double beta = 0.5,
                              const std::string& name = "child") const {
    ChildOptions options = child_options(port, beta, name);
    options.connect->tls = tls_;
    options.security.tls = dialler_;
    return options;
  }
  ChildOptions listening_child() const {
    ChildOptions options = child_options(0);
    options.connect.reset();
    options.listen = kLoopback;
    options.security.tls = listener_;
    return options;
  }

 private:
  bool tls_;
  TlsOptions listener_, dialler_;
#ifdef GENKIDAMA_TEST_TLS
  TemporaryDirectory directory_;
  CertificateAuthority authority_{directory_.path(), "authority"};
#endif
};

std::unique_ptr<LinkKind> generated_kind() {
#ifdef GENKIDAMA_TEST_TLS
  const bool tls = GENERATE(false, true);
#else
  const bool tls = false;
#endif
  UNSCOPED_INFO((tls ? "over TLS" : "over a plain connection"));
  return std::make_unique<LinkKind>(tls);
}

const std::string kEnded = "the Child's program ended the training";

}  // namespace

TEST_CASE("over each kind of link the exchange is the one weighted average, bit by bit", "[link_kinds]") {
  const auto kind = generated_kind();
  constexpr std::uint64_t kRounds = 5;
  RunningParent running(kind->listening_parent(0.3));
  FakeTrainer trainer;
  Child child(kind->dialling_child(running.port(), 0.6), trainer);
  CHECK(child.run(exchanges(kRounds)) == kEnded);
  auto parent = running.initial;
  REQUIRE(trainer.sent.size() == kRounds);
  for (std::size_t round = 0; round < kRounds; ++round) {
    weighted_average(parent, trainer.sent[round], 0.3);
    auto expected = trainer.sent[round];
    weighted_average(expected, parent, 0.6);
    CHECK(same_bits(trainer.written[round + 1], expected));
  }
  CHECK(same_bits(running.parent.weights(), parent));
}

TEST_CASE("over each kind of link a Parent may dial a Child that listens", "[link_kinds]") {
  const auto kind = generated_kind();
  ChildThread child(kind->listening_child());
  const RunningParent running(kind->dialling_parent(child.port()));
  CHECK(child.join() == kEnded);
  CHECK(running.parent.status().updates == 2);
}

TEST_CASE("over each kind of link large weights arrive whole", "[link_kinds]") {
  const auto kind = generated_kind();
  const ParameterLayout layout({{"w", {300'001}}});
  Parent parent(kind->listening_parent(1), layout, random_weights(layout.size(), 5));
  parent.start();
  FakeTrainer trainer(layout);
  Child child(kind->dialling_child(parent.ports().at(0)), trainer);
  CHECK(child.run(exchanges(2)) == kEnded);
  CHECK(same_bits(parent.weights(), trainer.sent.back()));
}

TEST_CASE("over each kind of link a session goes on after its link was cut, and nothing is merged twice",
          "[link_kinds]") {
  const auto kind = generated_kind();
  std::unique_ptr<Relay> relay;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> merges;
  Gate made;
  RunningParent running(kind->listening_parent(), [&](const ParentUpdate& update) {
    merges.emplace_back(update.session, update.sequence);
    if (update.update % 5 == 0 && made.wait()) relay->cut(running.port());
  });
  relay = std::make_unique<Relay>(running.port());
  made.open();
  FakeTrainer trainer;
  Child child(kind->dialling_child(relay->port()), trainer);
  child.run([](const ChildProgress& progress) { return progress.merges < 20; });
  const ParentStatus status = running.parent.status();
  running.parent.stop();
  CHECK(status.resumed >= 2);
  CHECK(status.refused_updates == 0);
  CHECK(merges.size() >= 20);
  for (std::size_t i = 0; i < merges.size(); ++i) {
    CHECK(merges[i].first == merges.front().first);
    CHECK(merges[i].second == i + 1);
  }
}

TEST_CASE("over each kind of link another network is refused", "[link_kinds]") {
  const auto kind = generated_kind();
  RunningParent running(kind->listening_parent());
  FakeTrainer trainer{ParameterLayout({{"pi1.weight", {4, 3}}, {"pi1.bias", {5}}})};
  Child child(kind->dialling_child(running.port()), trainer);
  CHECK_THROWS_AS(child.run(), LayoutError);
  CHECK(running.parent.status().joined == 0);
  CHECK(running.parent.status().refused_peers == 3);
}

TEST_CASE("over each kind of link weights that are not finite are refused and change nothing",
          "[link_kinds]") {
  const auto kind = generated_kind();
  RunningParent running(kind->listening_parent());
  FakeTrainer trainer;
  trainer.on_round = [](std::vector<float>& weights) {
    weights[0] = std::numeric_limits<float>::quiet_NaN();
  };
  Child child(kind->dialling_child(running.port()), trainer);
  CHECK_THROWS_AS(child.run(), IoError);
  CHECK(running.parent.status().refused_updates == 1);
  CHECK(same_bits(running.parent.weights(), running.initial));
}

TEST_CASE("over each kind of link another token is refused", "[link_kinds]") {
  const auto kind = generated_kind();
  ParentOptions options = kind->listening_parent();
  options.security.token = "one-token-of-some-length";
  RunningParent running(options);
  ChildOptions child = kind->dialling_child(running.port());
  child.security.token = "another-token-of-some-length";
  {
    ChildThread refused(child);
    CHECK(eventually([&] { return running.parent.status().refusals.token > 0; }));
  }
  CHECK(running.parent.status().joined == 0);
  child.security.token = options.security.token;
  CHECK(ChildThread(child).join() == kEnded);
}

TEST_CASE("over each kind of link a slow network is waited for", "[link_kinds][slow]") {
  const auto kind = generated_kind();
  // Much more than the buffers of the sockets hold, so that it moves as slowly as it is let through.
  const ParameterLayout layout({{"large", {2'000'000}}});
  constexpr Milliseconds kIdle{GENKIDAMA_TEST_PATIENCE * 600};
  ParentOptions options = kind->listening_parent(1);
  options.limits.idle_timeout = kIdle;
  Parent parent(options, layout, random_weights(layout.size(), 5));
  parent.start();
  Relay relay(parent.ports().at(0));
  // Each frame takes longer than the idle timeout.
  constexpr int kPauses = 16;
  relay.slow_down(layout.size() * sizeof(float) / kPauses, 3 * kIdle / (2 * kPauses));
  FakeTrainer trainer(layout);
  ChildOptions child = kind->dialling_child(relay.port());
  child.limits.idle_timeout = child.exchange_timeout = kIdle;
  Child slow(child, trainer);
  CHECK(slow.run(exchanges(1)) == kEnded);
  CHECK(slow.progress().reconnects == 0);
  CHECK(parent.status().joined == 1);
  CHECK(same_bits(parent.weights(), trainer.sent.back()));
}

TEST_CASE("over each kind of link a network that goes silent is given up and the link made anew",
          "[link_kinds][slow]") {
  const auto kind = generated_kind();
  RunningParent running(kind->listening_parent());
  Relay relay(running.port());
  FakeTrainer trainer;
  ChildOptions options = kind->dialling_child(relay.port());
  options.exchange_timeout = Milliseconds(GENKIDAMA_TEST_PATIENCE * 100);
  bool frozen = false, thawed = false;
  Child child(options, trainer);
  child.run([&](const ChildProgress& progress) {
    if (progress.exchanges == 2 && !std::exchange(frozen, true)) relay.freeze();
    if (frozen && !progress.connected && !std::exchange(thawed, true)) relay.cut(running.port());
    return progress.exchanges < 3;
  });
  CHECK(thawed);
  CHECK(child.progress().reconnects >= 1);
}
