#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <fstream>
#include <memory>

#include "genkidama/core/error.h"
#include "net/child_thread.h"
#include "net/fixture.h"
#include "net/log_record.h"
#include "support/catch.h"
#include "support/certificates.h"
#include "support/eventually.h"
#include "support/raw_peer.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// An authority that both sides may trust, another one, and what they signed.
struct Certificates {
  TemporaryDirectory directory;
  CertificateAuthority authority{directory.path(), "authority"}, stranger{directory.path(), "stranger"};
  CertificateFiles parent = authority.issue("parent"), child = authority.issue("child");
};

ParentOptions tls_parent(const CertificateFiles& files, const std::string& client_ca = "") {
  ParentOptions options = parent_options();
  options.security.tls = {files.certificate, files.key, "", client_ca};
  return options;
}

ChildOptions tls_child(const std::string& ca, const CertificateFiles& files = {},
                       const std::string& host = "127.0.0.1") {
  ChildOptions options = child_options(0);
  options.connect->host = host;
  options.connect->tls = true;
  options.security.tls = {files.certificate, files.key, ca, ""};
  return options;
}

void expect_joined(const ParentOptions& parent, ChildOptions child) {
  RunningParent running(parent);
  child.connect->port = running.port();
  CHECK(ChildThread(child).join() == "the Child's program ended the training");
  CHECK(running.parent.status().joined == 1);
  CHECK(running.parent.status().updates == 2);
}

/// The Child keeps trying; each side says why it does not join, and nothing is accepted.
void expect_refused(const ParentOptions& parent, ChildOptions child, const std::string& child_says,
                    const std::string& parent_says) {
  CAPTURE(child_says, parent_says);
  const LogRecord log;
  RunningParent running(parent);
  child.connect->port = running.port();
  ChildThread thread(child);
  const bool said = eventually([&] {
    return log.holds("child 'child': no link at", child_says) && log.holds("did not join", parent_says);
  });
  CAPTURE(log.text());
  CHECK(said);
  CHECK(thread.stop() == "stop requested");
  CHECK(thread.exchanges() == 0);
  const ParentStatus status = running.parent.status();
  CHECK(status.joined == 0);
  CHECK(status.updates == 0);
  CHECK(status.refusals.tls >= 1);
  CHECK(same_bits(running.parent.weights(), running.initial));
}

/// Whether a client that speaks this version at most gets through a TLS handshake.
bool tls_version_accepted(std::uint16_t port, int version) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  &SSL_CTX_free);
  SSL_CTX_set_cipher_list(context.get(), "DEFAULT@SECLEVEL=0");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), version);
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> link(BIO_new_ssl_connect(context.get()), &BIO_free_all);
  BIO_set_conn_hostname(link.get(), ("127.0.0.1:" + std::to_string(port)).c_str());
  return BIO_do_connect(link.get()) == 1 && BIO_do_handshake(link.get()) == 1;
}

}  // namespace

TEST_CASE("a Child and a Parent exchange over TLS, by address and by name", "[tls]") {
  const Certificates certificates;
  expect_joined(tls_parent(certificates.parent), tls_child(certificates.authority.file()));
  expect_joined(tls_parent(certificates.parent), tls_child(certificates.authority.file(), {}, "localhost"));
}

TEST_CASE("a Parent dials a Child that listens with TLS", "[tls]") {
  const Certificates certificates;
  ChildOptions options = child_options(0);
  options.connect.reset();
  options.listen = kLoopback;
  options.security.tls = {certificates.child.certificate, certificates.child.key, "", ""};
  const auto dial = [&](ChildThread& child, const std::string& ca) {
    ParentOptions parent = parent_options();
    parent.listen.clear();
    parent.connect = {loopback(child.port())};
    parent.connect.front().tls = true;
    parent.security.tls.ca = ca;
    return parent;
  };
  {
    ChildThread child(options);
    RunningParent running(dial(child, certificates.stranger.file()));
    CHECK(eventually([&] { return running.parent.status().refusals.tls > 0; }));
    CHECK_THAT(running.parent.status().last_refusal, Catch::Contains("the Child's certificate was refused"));
    CHECK(child.stop() == "stop requested");
    CHECK(running.parent.status().joined == 0);
  }
  ChildThread child(options);
  RunningParent running(dial(child, certificates.authority.file()));
  CHECK(child.join() == "the Child's program ended the training");
  CHECK(running.parent.status().updates == 2);
}

TEST_CASE("weights of many TLS records arrive whole", "[tls]") {
  const Certificates certificates;
  const ParameterLayout layout({{"w", {300'001}}});
  ParentOptions options = tls_parent(certificates.parent);
  options.alpha = 1;
  Parent parent(options, layout, random_weights(layout.size(), 5));
  parent.start();
  ChildOptions child = tls_child(certificates.authority.file());
  child.connect->port = parent.ports().at(0);
  FakeTrainer trainer(layout);
  Child(child, trainer).run(exchanges(3));
  CHECK(parent.status().updates == 3);
  CHECK(same_bits(parent.weights(), trainer.sent.back()));
}

TEST_CASE("a certificate of an authority that is not trusted is refused", "[tls]") {
  const Certificates certificates;
  expect_refused(tls_parent(certificates.parent), tls_child(certificates.stranger.file()),
                 "the Parent's certificate was refused: ", "the Child refused this side's certificate");
  // The system's authorities know nothing of it either.
  expect_refused(tls_parent(certificates.parent), tls_child(""),
                 "the Parent's certificate was refused: ", "the Child refused this side's certificate");
}

TEST_CASE("a certificate for another host is refused", "[tls]") {
  const Certificates certificates;
  const auto elsewhere = certificates.authority.issue("elsewhere", "DNS:elsewhere.example,IP:127.0.0.2");
  for (const char* host : {"127.0.0.1", "localhost"}) {
    expect_refused(tls_parent(elsewhere), tls_child(certificates.authority.file(), {}, host),
                   fmt::format("the Parent's certificate is for another host than '{}'", host),
                   "the Child refused this side's certificate");
  }
  // A name in the subject alone is no name of a host.
  expect_refused(tls_parent(certificates.authority.issue("localhost", "")),
                 tls_child(certificates.authority.file(), {}, "localhost"), "for another host",
                 "the Child refused this side's certificate");
}

TEST_CASE("an expired certificate is refused", "[tls]") {
  const Certificates certificates;
  const auto expired = certificates.authority.issue("expired", "IP:127.0.0.1", -1);
  expect_refused(tls_parent(expired), tls_child(certificates.authority.file()),
                 "the Parent's certificate was refused: certificate has expired",
                 "the Child refused this side's certificate");
}

TEST_CASE("with mutual TLS a Child needs a certificate of the right authority", "[tls]") {
  const Certificates certificates;
  const ParentOptions parent = tls_parent(certificates.parent, certificates.authority.file());
  const std::string ca = certificates.authority.file();
  expect_joined(parent, tls_child(ca, certificates.child));
  expect_refused(parent, tls_child(ca), "the Parent wants a certificate of this side",
                 "the Child gave no certificate");
  expect_refused(parent, tls_child(ca, certificates.stranger.issue("thief")),
                 "the Parent refused this side's certificate", "the Child's certificate was refused: ");
  expect_refused(parent, tls_child(ca, certificates.authority.issue("old", "", -1)),
                 "the Parent refused this side's certificate",
                 "the Child's certificate was refused: certificate has expired");
}

TEST_CASE("a certificate does not stand for the token", "[tls]") {
  const Certificates certificates;
  ParentOptions parent = tls_parent(certificates.parent, certificates.authority.file());
  parent.security.token = "a-token-of-some-length";
  RunningParent running(parent);
  ChildOptions options = tls_child(certificates.authority.file(), certificates.child);
  options.connect->port = running.port();
  {
    ChildThread child(options);
    CHECK(eventually([&] { return running.parent.status().refusals.token > 0; }));
  }
  CHECK(running.parent.status().joined == 0);
  options.security.token = parent.security.token;
  CHECK(ChildThread(options).join() == "the Child's program ended the training");
}

TEST_CASE("TLS on one side only is refused, and both sides say which", "[tls]") {
  const Certificates certificates;
  ChildOptions plain = child_options(0);
  expect_refused(tls_parent(certificates.parent), plain, "this port speaks TLS: dial it at wss://HOST:PORT",
                 "the Child speaks no TLS, which this port wants");
  expect_refused(parent_options(), tls_child(certificates.authority.file()),
                 "the Parent speaks no TLS: dial it without TLS", "this port speaks no TLS");
}

TEST_CASE("a Parent with TLS listens plain where its endpoint says ws://", "[tls]") {
  const Certificates certificates;
  ParentOptions options = tls_parent(certificates.parent, certificates.authority.file());
  options.listen = {kLoopback, Endpoint::parse("ws://127.0.0.1:0"), Endpoint::parse("wss://127.0.0.1:0")};
  RunningParent running(options);
  const auto ports = running.parent.ports();
  REQUIRE(ports.size() == 3);
  ChildOptions plain = child_options(ports[1]);
  CHECK(ChildThread(plain).join() == "the Child's program ended the training");
  plain.connect = Endpoint{"127.0.0.1", ports[1], false, true};
  CHECK(ChildThread(plain).join() == "the Child's program ended the training");
  for (const std::uint16_t port : {ports[0], ports[2]}) {
    ChildOptions child = tls_child(certificates.authority.file(), certificates.child);
    child.connect->port = port;
    CHECK(ChildThread(child).join() == "the Child's program ended the training");
  }
  CHECK(running.parent.status().joined == 4);
  // The plain port is no way around TLS, and the others no way around it either.
  ChildOptions wrong = tls_child(certificates.authority.file(), certificates.child);
  wrong.connect->port = ports[1];
  {
    ChildThread child(wrong);
    CHECK(eventually([&] { return running.parent.status().refusals.tls > 0; }));
  }
  CHECK(running.parent.status().joined == 4);
}

TEST_CASE("a client_ca guards no port that speaks no TLS", "[tls]") {
  const Certificates certificates;
  const auto weights = random_weights(small_layout().size(), 1);
  ParentOptions options = tls_parent(certificates.parent, certificates.authority.file());
  options.listen = {Endpoint::parse("0.0.0.0:0"), Endpoint::parse("ws://0.0.0.0:0")};
  CHECK_THROWS_WITH(Parent(options, small_layout(), weights),
                    Catch::StartsWith("ws://0.0.0.0:0 can be reached from other machines"));
  options.listen.back() = Endpoint::parse("ws://127.0.0.1:0");
  CHECK_NOTHROW(Parent(options, small_layout(), weights));
  options.listen = {Endpoint::parse("ws://127.0.0.1:0")};
  CHECK_THROWS_WITH(Parent(options, small_layout(), weights), Catch::Contains("tls.client_ca is for"));
}

TEST_CASE("versions of TLS before 1.2 are refused", "[tls]") {
  const Certificates certificates;
  RunningParent running(tls_parent(certificates.parent));
  CHECK_FALSE(tls_version_accepted(running.port(), TLS1_VERSION));
  CHECK_FALSE(tls_version_accepted(running.port(), TLS1_1_VERSION));
  CHECK(tls_version_accepted(running.port(), TLS1_2_VERSION));
  CHECK(tls_version_accepted(running.port(), TLS1_3_VERSION));
}

TEST_CASE("garbage and silence at a TLS port end, and the Parent still serves", "[tls]") {
  const Certificates certificates;
  ParentOptions options = tls_parent(certificates.parent);
  options.limits.handshake_timeout = Milliseconds(500);
  RunningParent running(options);
  for (const std::string& bytes :
       {std::string("\x16\x03\x01\x02\x00garbage-garbage", 20), std::string(300, 'a'),
        std::string("\x16\x03\x01\xff\xff", 5), std::string("\x80\x80")}) {
    RawPeer peer(running.port());
    peer.send(bytes);
    peer.read_to_end();
  }
  CHECK(eventually([&] { return running.parent.status().refused_peers == 4; }));
  {
    RawPeer silent(running.port());
    CHECK(silent.read_to_end().empty());
  }
  ChildOptions child = tls_child(certificates.authority.file());
  child.connect->port = running.port();
  CHECK(ChildThread(child).join() == "the Child's program ended the training");
}

TEST_CASE("files that are no certificates are refused by name", "[tls]") {
  const Certificates certificates;
  const std::string text = (certificates.directory / "text").string();
  std::ofstream(text) << "no certificate\n";
  const auto refusal = [](const ParentOptions& options) -> std::string {
    try {
      Parent(options, small_layout(), random_weights(small_layout().size(), 1));
    } catch (const ArgumentError& error) {
      return error.what();
    }
    return "";
  };
  CHECK(refusal(tls_parent(certificates.parent)).empty());
  for (const std::string& bad : {text, std::string("/no/such/file")}) {
    CHECK_THAT(refusal(tls_parent({bad, certificates.parent.key})),
               Catch::StartsWith("tls.certificate " + bad));
    CHECK_THAT(refusal(tls_parent({certificates.parent.certificate, bad})),
               Catch::StartsWith("tls.key " + bad));
    CHECK_THAT(refusal(tls_parent(certificates.parent, bad)), Catch::StartsWith("tls.client_ca " + bad));
    FakeTrainer trainer;
    CHECK_THROWS_WITH(Child(tls_child(bad), trainer), Catch::StartsWith("tls.ca " + bad));
  }
  CHECK_THAT(refusal(tls_parent({certificates.parent.certificate, certificates.child.key})),
             Catch::Contains("not the key of"));
  CHECK_THAT(refusal(tls_parent({certificates.parent.certificate, ""})), Catch::Contains("go together"));
  CHECK_THAT(refusal(tls_parent({}, certificates.authority.file())), Catch::Contains("tls.client_ca is for"));
  ParentOptions bare = parent_options();
  bare.listen.front().tls = true;
  CHECK_THAT(refusal(bare), Catch::Contains("wss://127.0.0.1:0 needs a tls.certificate"));
}

TEST_CASE("mutual TLS lets a Parent listen for other machines without a token, TLS alone does not", "[tls]") {
  const Certificates certificates;
  ParentOptions options = tls_parent(certificates.parent, certificates.authority.file());
  options.listen = {Endpoint{"0.0.0.0", 0}};
  const auto weights = random_weights(small_layout().size(), 1);
  CHECK_NOTHROW(Parent(options, small_layout(), weights));
  options.security.tls.client_ca.clear();
  CHECK_THROWS_WITH(Parent(options, small_layout(), weights), Catch::Contains("can be reached"));
}
