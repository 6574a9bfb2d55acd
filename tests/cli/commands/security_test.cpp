#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "bad_argument.h"
#include "fixture.h"
#include "genkidama/core/error.h"
#include "genkidama/net/security.h"
#include "genkidama/net/token.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

const std::string kToken = "correct-horse-battery-staple";

class TokenFile {
 public:
  explicit TokenFile(const std::string& content, mode_t mode = 0600) {
    std::ofstream(path(), std::ios::binary) << content;
    REQUIRE(::chmod(path().c_str(), mode) == 0);
  }
  std::string path() const { return (directory_ / "token").string(); }

 private:
  TemporaryDirectory directory_;
};

/// The environment of programs that are started while it lives.
class TokenVariable {
 public:
  explicit TokenVariable(const std::string& token) { ::setenv(kTokenVariable, token.c_str(), 1); }
  ~TokenVariable() { ::unsetenv(kTokenVariable); }
};

/// Files below `directory` that hold `text`.
std::vector<std::string> files_with(const std::filesystem::path& directory, const std::string& text) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file() && file_text(entry.path()).find(text) != std::string::npos)
      found.push_back(entry.path());
  }
  return found;
}

std::vector<std::string> parent_call(const std::string& where, const std::filesystem::path& run) {
  return call("parent", "--listen", where, "--updates", "5", "--eval-episodes", "0", "--run-dir",
              run.string());
}

std::vector<std::string> child_call(const std::string& port, const std::filesystem::path& run) {
  return call("child", "--connect", "127.0.0.1:" + port, "--workers", "1", "--join-timeout", "2",
              "--eval-episodes", "0", "--run-dir", run.string());
}

}  // namespace

TEST_CASE("bad security arguments end with exit code 2 and one line") {
  const auto refused = [](const std::vector<std::string>& words, const std::string& expected) {
    const auto result = check_bad_argument(words, expected);
    CHECK(result.errors.find(kToken) == std::string::npos);
  };
  refused(
      call("parent", "--listen", "0.0.0.0:5555"),
      "--listen 0.0.0.0:5555 can be reached from other machines: give --token-file FILE, or --insecure to "
      "go without");
  refused(call("parent", "--listen", "127.0.0.1:0", "[::]:0"), "--listen [::]:0 can be reached");
  refused(call("child", "--listen", "pi-7:5555"), "--listen pi-7:5555 can be reached");
  const TokenFile empty("");
  refused(call("parent", "--listen", "127.0.0.1:0", "--token-file", empty.path()),
          "--token-file " + empty.path() + ": it is empty");
  const TokenFile words("two words and more");
  const auto result =
      check_bad_argument(call("parent", "--listen", "127.0.0.1:0", "--token-file", words.path()),
                         "--token-file " + words.path() + ": this is no token");
  CHECK(result.errors.find("two words") == std::string::npos);
  refused(call("child", "--connect", "127.0.0.1:1", "--token-file", "/no/such/file"),
          "--token-file /no/such/file: cannot read the file (No such");
  // There is no such flag, and what was meant as its value is not repeated.
  refused(call("parent", "--listen", "127.0.0.1:0", "--token=" + kToken), "unknown argument '--token';");
  refused(call("parent", "--listen", "127.0.0.1:0", "--token", kToken), "unknown argument '--token';");
}

TEST_CASE("a token that other users can read or guess earns a warning") {
  const TemporaryDirectory directory;
  const auto errors_with = [&](const TokenFile& file, const std::string& name) {
    RunningProgram parent(with(parent_call("127.0.0.1:0", directory / name), {"--token-file", file.path()}));
    listening_port(parent);
    parent.signal(SIGTERM);
    return parent.wait().errors;
  };
  CHECK(errors_with(TokenFile(kToken, 0644), "a").find("every user of this machine can read it") !=
        std::string::npos);
  CHECK(errors_with(TokenFile("short"), "b").find("can be guessed") != std::string::npos);
  const std::string quiet = errors_with(TokenFile(kToken), "c");
  CHECK(quiet.find("can read it") == std::string::npos);
  CHECK(quiet.find("guessed") == std::string::npos);
}

TEST_CASE("--insecure lets a Parent listen for other machines without a token") {
  const TemporaryDirectory directory;
  RunningProgram parent(with(parent_call("0.0.0.0:0", directory / "run"), {"--insecure"}));
  listening_port(parent);
  parent.signal(SIGTERM);
  parent.wait();
  CHECK(json_of(directory / "run" / "config.json")["insecure"] == true);
}

TEST_CASE("a token that both sides know joins them, and is nowhere to be read") {
  const TemporaryDirectory directory;
  const TokenFile file(kToken + "\n"), wrong("another-horse-battery-staple");
  const TokenVariable variable("of-the-environment-and-wrong");
  RunningProgram parent(
      with(parent_call("127.0.0.1:0", directory / "parent"), {"--token-file", file.path()}));
  const std::string port = listening_port(parent);

  RunningProgram refused(with(child_call(port, directory / "refused"), {"--token-file", wrong.path()}));
  const auto refusal = refused.wait();
  CAPTURE(refusal.errors);
  CHECK(refusal.exit_code == 1);
  CHECK(refusal.errors.find("(401)") != std::string::npos);
  const auto guess = RunningProgram(child_call(port, directory / "guess")).wait();
  CHECK(guess.exit_code == 1);
  CHECK(json_of(directory / "guess" / "summary.json")["error"].get<std::string>().find("401") !=
        std::string::npos);

  ::setenv(kTokenVariable, kToken.c_str(), 1);
  RunningProgram child(child_call(port, directory / "child"));
  REQUIRE(child.wait_for_error_text("joined"));
  for (const RunningProgram* program : {&parent, &child}) {
    for (const pid_t pid : program->processes()) {
      CHECK(file_text("/proc/" + std::to_string(pid) + "/cmdline").find(kToken) == std::string::npos);
    }
  }
  const auto parent_result = parent.wait(), child_result = child.wait();
  CAPTURE(parent_result.errors, child_result.errors);
  CHECK(parent_result.exit_code == 0);
  CHECK(child_result.exit_code == 0);

  const auto summary = json_of(directory / "parent" / "summary.json");
  CHECK(summary["children_joined"] == 1);
  CHECK(summary["refusals"]["token"].get<int>() >= 2);
  CHECK(files_with(directory.path(), kToken).empty());
  CHECK(files_with(directory.path(), file.path()).size() >= 1);  // the path is kept, for --resume
  CHECK(files_with(directory.path(), "another-horse").empty());
  CHECK(files_with(directory.path(), "of-the-environment").empty());
  for (const auto* result : {&parent_result, &child_result, &refusal, &guess}) {
    for (const std::string& text : {result->errors, result->output}) {
      CHECK(text.find("-horse-") == std::string::npos);
      CHECK(text.find("of-the-environment") == std::string::npos);
    }
  }
  CHECK(run_program(call("parent", "--help")).output.find(kToken) == std::string::npos);

  SECTION("and a resumed run finds the file again") {
    RunningProgram again(call("parent", "--resume", (directory / "parent").string(), "--updates", "7"));
    RunningProgram other(child_call(listening_port(again), directory / "other"));
    CHECK(again.wait().exit_code == 0);
    CHECK(other.wait().exit_code == 0);
  }
}

TEST_CASE("a cluster keeps other users' Children out") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  RunningProgram cluster(call("cluster", "--children", "1", "--workers", "1", "--checkpoint-every", "10",
                              "--run-dir", run.string()));
  REQUIRE(wait_for_tenth_update(cluster, run));
  const std::string environment =
      file_text("/proc/" + std::to_string(cluster.children().front()) + "/environ");
  const auto at = environment.find("GENKIDAMA_TOKEN=");
  REQUIRE(at != std::string::npos);
  const std::string token = std::string(environment.c_str() + at + 16);
  REQUIRE(valid_token(token));
  for (const pid_t pid : cluster.processes()) {
    CHECK(file_text("/proc/" + std::to_string(pid) + "/cmdline").find(token) == std::string::npos);
  }
  const auto stranger = run_program(child_call(listening_port(cluster), directory / "stranger"));
  CAPTURE(stranger.errors);
  CHECK(stranger.exit_code == 1);
  CHECK(stranger.errors.find("(401)") != std::string::npos);
  cluster.signal(SIGTERM);
  const auto result = cluster.wait();
  CHECK(result.errors.find(token) == std::string::npos);
  CHECK(json_of(run / "summary.json")["children_joined"] == 1);
  CHECK(files_with(directory.path(), token).empty());
}
