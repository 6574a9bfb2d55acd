#include "genkidama/net/security.h"

#include <memory>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "net/child_thread.h"
#include "net/fixture.h"
#include "net/log_record.h"
#include "net/token_fixture.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

ParentOptions parent_that_dials(std::uint16_t port, const std::string& token) {
  ParentOptions options = parent_with(token);
  options.listen.clear();
  options.connect = {loopback(port)};
  return options;
}

/// Wants kToken.
ChildOptions listening_child() {
  ChildOptions options = child_options(0);
  options.connect.reset();
  options.listen = kLoopback;
  options.security.token = kToken;
  return options;
}

}  // namespace

TEST_CASE("a Child with another token does not join a Parent that listens", "[security]") {
  const LogRecord log;
  RunningParent running(parent_with(kToken));
  std::uint64_t refused = 0;
  for (const std::string& token : kWrongTokens) {
    CAPTURE(token);
    ChildOptions options = child_options(running.port());
    options.security.token = token;
    ChildThread child(options);
    CHECK(eventually([&] { return running.parent.status().refusals.token > refused; }));
    CHECK(child.stop() == "stop requested");
    CHECK(child.exchanges() == 0);
    refused = running.parent.status().refusals.token;
  }
  const ParentStatus status = running.parent.status();
  CHECK(status.joined == 0);
  CHECK(status.updates == 0);
  CHECK(status.refused_peers >= status.refusals.token);
  CHECK(same_bits(running.parent.weights(), running.initial));
  CHECK_THAT(status.last_refusal, !Catch::Contains(kToken));

  ChildOptions options = child_options(running.port());
  options.security.token = kToken;
  CHECK(ChildThread(options).join() == "the Child's program ended the training");
  CHECK(running.parent.status().updates == 2);
  CHECK(log.holds("401", "same token on both sides"));
  CHECK_THAT(log.text(), !Catch::Contains(kToken.substr(0, 8)));
}

TEST_CASE("a Parent with another token gets nothing from a Child that listens", "[security]") {
  for (const std::string& token : kWrongTokens) {
    CAPTURE(token);
    ChildThread child(listening_child());
    RunningParent running(parent_that_dials(child.port(), token));
    CHECK(eventually([&] { return running.parent.status().refusals.token > 0; }));
    CHECK(child.stop() == "stop requested");
    CHECK(running.parent.status().joined == 0);
    CHECK_THAT(running.parent.status().last_refusal, !Catch::Contains(kToken));
  }
  ChildThread child(listening_child());
  const RunningParent running(parent_that_dials(child.port(), kToken));
  CHECK(child.join() == "the Child's program ended the training");
  CHECK(running.parent.status().updates == 2);
}

TEST_CASE("a Child that gives up says that its token was refused", "[security]") {
  RunningParent running(parent_with(kToken));
  ChildOptions options = child_options(running.port());
  options.security.token = kWrongTokens[1];
  options.join_timeout = Milliseconds(1'500);
  FakeTrainer trainer;
  Child child(options, trainer);
  CHECK_THROWS_WITH(child.run([](const ChildProgress&) { return false; }),
                    Catch::Contains("no Parent within 1.5 s") &&
                        Catch::Contains("refused: the Parent wants another token (401): give the same "
                                        "token on both sides") &&
                        !Catch::Contains(kWrongTokens[1]));
  CHECK(running.parent.status().joined == 0);
}

TEST_CASE("listening where other machines reach needs a token or an insecure", "[security]") {
  const auto weights = random_weights(small_layout().size(), 1);
  for (const char* place :
       {"0.0.0.0:0", "[::]:0", "192.168.1.7:7777", "pi-7.local:7777", "[::ffff:10.0.0.1]:1"}) {
    CAPTURE(place);
    ParentOptions parent;
    parent.listen = {kLoopback, Endpoint::parse(place)};
    CHECK_THROWS_WITH(Parent(parent, small_layout(), weights),
                      Catch::StartsWith(std::string(place) + " can be reached from other machines"));
    CHECK_THROWS_AS(Parent(parent, small_layout(), weights), ArgumentError);
    FakeTrainer trainer;
    ChildOptions child;
    child.listen = Endpoint::parse(place);
    CHECK_THROWS_AS(Child(child, trainer), ArgumentError);
    for (const bool with_token : {true, false}) {
      parent.security.token = child.security.token = with_token ? kToken : "";
      parent.security.insecure = child.security.insecure = !with_token;
      CHECK_NOTHROW(Parent(parent, small_layout(), weights));
      CHECK_NOTHROW(Child(child, trainer));
    }
  }
  // Dialling needs none.
  ParentOptions dialling;
  dialling.connect = {Endpoint::parse("192.168.1.7:7777")};
  CHECK_NOTHROW(Parent(dialling, small_layout(), weights));
}

TEST_CASE("what an HTTP header cannot carry is no token, and is not shown", "[security]") {
  CHECK(valid_token(kToken));
  CHECK(valid_token(std::string(kMaxTokenBytes, 'a')));
  for (const std::string& token :
       {std::string("has a space"), std::string("ends\n"), std::string("nul\0inside", 10),
        std::string("\x7f"), std::string("\xc3\xa4"), std::string(kMaxTokenBytes + 1, 'a')}) {
    CHECK_FALSE(valid_token(token));
    ParentOptions options = parent_with(token);
    CHECK_THROWS_WITH(Parent(options, small_layout(), random_weights(small_layout().size(), 1)),
                      Catch::StartsWith("security.token") && !Catch::Contains(token));
  }
  CHECK_FALSE(valid_token(""));
}
