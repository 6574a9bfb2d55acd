#include <csignal>
#include <fstream>

#include "bad_argument.h"
#include "fixture.h"
#include "support/catch.h"
#include "support/certificates.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {}  // namespace

TEST_CASE("a Parent and a Child train over mutual TLS, and a resumed Parent finds its files") {
  const TemporaryDirectory directory;
  const CertificateAuthority authority(directory.path(), "authority");
  const auto files = authority.issue("parent"), own = authority.issue("child");
  RunningProgram parent(call("parent", "--listen", "127.0.0.1:0", "--updates", "3", "--eval-episodes", "0",
                             "--tls-certificate", files.certificate, "--tls-key", files.key,
                             "--tls-client-ca", authority.file(), "--run-dir",
                             (directory / "parent").string()));
  const std::string port = listening_port(parent);
  const auto child = [&](const std::string& where, const std::vector<std::string>& more) {
    auto words = call("child", "--connect", where, "--workers", "1", "--eval-episodes", "0", "--join-timeout",
                      "2", "--run-dir", (directory / ("child" + more.back())).string());
    words.insert(words.end(), more.begin(), more.end() - 1);
    return run_program(words);
  };
  const auto plain = child("localhost:" + port, {"1"});
  CAPTURE(plain.errors);
  CHECK(plain.exit_code == 1);
  CHECK(plain.errors.find("wss://") != std::string::npos);
  const auto nobody = child("localhost:" + port, {"--tls", "--tls-ca", authority.file(), "2"});
  CAPTURE(nobody.errors);
  CHECK(nobody.exit_code == 1);
  CHECK(nobody.errors.find("certificate") != std::string::npos);
  const auto good = child("wss://localhost:" + port, {"--tls-ca", authority.file(), "--tls-certificate",
                                                      own.certificate, "--tls-key", own.key, "3"});
  CAPTURE(good.errors);
  CHECK(good.exit_code == 0);
  CHECK(parent.wait().exit_code == 0);
  const auto summary = json_of(directory / "parent" / "summary.json");
  CHECK(summary["children_joined"] == 1);
  CHECK(summary["refusals"]["tls"].get<int>() >= 2);

  RunningProgram again(call("parent", "--resume", (directory / "parent").string(), "--updates", "4"));
  const auto other =
      child("localhost:" + listening_port(again), {"--tls", "--tls-ca", authority.file(), "--tls-certificate",
                                                   own.certificate, "--tls-key", own.key, "4"});
  CHECK(other.exit_code == 0);
  CHECK(again.wait().exit_code == 0);
}

TEST_CASE("a shard and its learner talk over mutual TLS with a token, and nobody else joins") {
  const TemporaryDirectory directory;
  const CertificateAuthority authority(directory.path(), "authority");
  const auto files = authority.issue("shard"), own = authority.issue("learner");
  const std::string token = (directory / "token").string();
  std::ofstream(token) << "a-token-of-some-length-for-shards\n";
  RunningProgram shard(call("shard", "--preset", "tuned", "--listen", "127.0.0.1:0", "--token-file", token,
                            "--tls-certificate", files.certificate, "--tls-key", files.key, "--tls-client-ca",
                            authority.file(), "--run-dir", (directory / "shard").string()));
  const std::string where = "localhost:" + listening_port(shard);
  const auto learner = [&](const std::vector<std::string>& more) {
    auto words = call("train", "--preset", "tuned", "--updates", "2", "--round-steps", "64", "--workers", "1",
                      "--eval-episodes", "0", "--join-timeout", "2", "--run-dir",
                      (directory / ("learner" + more.back())).string(), "--shards", where);
    words.insert(words.end(), more.begin(), more.end() - 1);
    return run_program(words);
  };
  const std::vector<std::string> tls = {"--tls",         "--tls-ca",  authority.file(), "--tls-certificate",
                                        own.certificate, "--tls-key", own.key};
  const auto with = [&](std::vector<std::string> words, const std::vector<std::string>& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  CHECK(learner({"--token-file", token, "1"}).exit_code == 1);
  CHECK(learner({"--token-file", token, "--tls", "--tls-ca", authority.file(), "2"}).exit_code == 1);
  const auto nobody = learner(with(tls, {"3"}));
  CHECK(nobody.exit_code == 1);
  CHECK(nobody.errors.find("token") != std::string::npos);
  const auto good = learner(with(tls, {"--token-file", token, "4"}));
  CAPTURE(good.errors);
  CHECK(good.exit_code == 0);
  shard.signal(SIGTERM);
  CHECK(shard.wait().exit_code == 128 + SIGTERM);
  const auto summary = json_of(directory / "shard" / "summary.json");
  CHECK(summary["learners_joined"] == 1);
  CHECK(summary["refused_peers"].get<int>() >= 3);
  CHECK(summary["updates"].get<int>() > 0);
}

TEST_CASE("flags for TLS that do not fit together are refused") {
  const TemporaryDirectory directory;
  const CertificateAuthority authority(directory.path(), "authority");
  const auto files = authority.issue("parent");
  const std::string here = "127.0.0.1:0";
  check_bad_argument(call("parent", "--listen", here, "--tls-certificate", files.certificate), "go together");
  check_bad_argument(call("parent", "--listen", here, "--tls-key", files.key), "go together");
  check_bad_argument(call("parent", "--listen", here, "--tls-client-ca", authority.file()),
                     "--tls-client-ca is for");
  check_bad_argument(call("parent", "--listen", here, "--tls-ca", authority.file()),
                     "--tls-ca is for --connect");
  check_bad_argument(call("parent", "--listen", here, "--tls"), "--tls is for --connect");
  check_bad_argument(call("parent", "--listen", "wss://127.0.0.1:0"),
                     "--listen wss://127.0.0.1:0 needs --tls-certificate");
  check_bad_argument(call("child", "--connect", "127.0.0.1:1", "--tls-certificate", files.certificate,
                          "--tls-key", files.key),
                     "--tls-certificate is for");
  check_bad_argument(call("child", "--connect", "wss://127.0.0.1:1", "--tls-ca", "/no/such/file"),
                     "--tls-ca /no/such/file: cannot read the file");
  std::ofstream(directory / "no.pem") << "no certificate\n";
  check_bad_argument(call("child", "--connect", "wss://127.0.0.1:1", "--tls-ca",
                          (directory / "no.pem").string(), "--run-dir", (directory / "run").string()),
                     "expected a readable file in PEM form");
  CHECK_FALSE(std::filesystem::exists(directory / "run"));
  // TLS hides what is sent; it keeps nobody out.
  check_bad_argument(
      call("parent", "--listen", "0.0.0.0:0", "--tls-certificate", files.certificate, "--tls-key", files.key),
      "can be reached from other machines");
  check_bad_argument(call("parent", "--listen", here, "--tls-certificate", files.key, "--tls-key", files.key,
                          "--run-dir", (directory / "run").string()),
                     "--tls-certificate " + files.key);
}
