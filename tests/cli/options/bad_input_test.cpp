#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <fstream>

#include "bad_argument.h"
#include "fixture.h"
#include "genkidama/params/safetensors.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

// A port that somebody else has.
class TakenPort {
 public:
  TakenPort() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  ~TakenPort() { ::close(socket_); }
  void listen() const { REQUIRE(::listen(socket_, 1) == 0); }
  std::string endpoint() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  int socket_;
  int port_ = 0;
};

}  // namespace

TEST_CASE("bad arguments end with exit code 2 and one line that says which") {
  check_bad_argument(call(), "no command was given");
  check_bad_argument(call("train", "--colour", "red"), "unknown argument '--colour'");
  check_bad_argument(call("train", "--workers", "0"), "--workers is '0'");
  check_bad_argument(call("train", "--gamma", "2"), "--gamma is '2'; expected a number in [0, 1]");
  check_bad_argument(call("train", "--config", "/no/such/file"), "/no/such/file");
  check_bad_argument(call("child", "--connect", "127.0.0.1:1", "--beta", "7"), "--beta is '7'");
}

TEST_CASE("a checkpoint that cannot be used is refused with the reason") {
  const TemporaryDirectory directory;
  const auto path = directory / "weights.safetensors";
  const auto evaluate = call("evaluate", "--checkpoint", path.string(), "--episodes", "1", "--workers", "1");
  check_bad_argument(evaluate, path.string());

  std::ofstream(path) << "not a checkpoint";
  check_bad_argument(evaluate, path.string());

  Checkpoint other;
  other.layout = ParameterLayout({{"pi1.weight", {3, 4}}});
  other.weights.assign(12, 0.5F);
  write_safetensors(path, other);
  check_bad_argument(evaluate, "pi1");

  const std::string whole = file_text(path);
  std::ofstream(path, std::ios::binary | std::ios::trunc) << whole.substr(0, whole.size() - 5);
  check_bad_argument(evaluate, path.string());
}

TEST_CASE("a run directory that holds a run is not overwritten") {
  const TemporaryDirectory directory;
  const std::string run = (directory / "run").string();
  REQUIRE(
      run_program(call("train", "--workers", "1", "--updates", "2", "--eval-episodes", "0", "--run-dir", run))
          .exit_code == 0);
  const std::string metrics = file_text(directory / "run" / "metrics.csv");
  check_bad_argument(call("train", "--updates", "2", "--run-dir", run), "--resume " + run);
  CHECK(file_text(directory / "run" / "metrics.csv") == metrics);

  // A run's state is no policy, and --resume takes the directory.
  const std::string state = (directory / "run" / "state.safetensors").string();
  check_bad_argument(call("evaluate", "--checkpoint", state), run + "/final.safetensors");
  const auto renamed = directory / "policy.safetensors";
  std::filesystem::copy_file(state, renamed);
  check_bad_argument(call("evaluate", "--checkpoint", renamed.string()), "the state of a run");
  check_bad_argument(call("train", "--resume", state), "expected the directory of a run");

  // Resuming takes the command and the network the run was made with.
  check_bad_argument(call("child", "--connect", "127.0.0.1:1", "--resume", run), "made by 'train'");
  check_bad_argument(call("train", "--resume", run, "--preset", "other"), "--preset is 'other'");
  check_bad_argument(call("train", "--resume", run, "--optimizer", "adam"), "optimizer_state");
  check_bad_argument(call("train", "--resume", directory.path().string()), "no run in this directory");
}

TEST_CASE("a run directory that cannot be made is a bad argument") {
  const TemporaryDirectory directory;
  std::ofstream(directory / "file") << "";
  std::filesystem::create_directory(directory / "half");
  std::ofstream(directory / "half" / "checkpoints") << "";
  const auto refused = [](const char* command, const std::string& path, const std::string& named) {
    check_bad_argument(call(command, "--workers", "1", "--updates", "1", "--run-dir", path),
                       "--run-dir " + path + ": cannot make the directory " + named + ": ");
  };
  for (const char* command : {"train", "cluster"}) {
    const std::string below = (directory / "file" / "run").string();
    refused(command, below, below);
    refused(command, "/proc/foo", "/proc/foo");
    check_bad_argument(call("sweep", command, "--seeds", "1", "--run-dir", "/proc/foo"),
                       "--run-dir /proc/foo: cannot make the directory /proc/foo: ");
    refused(command, (directory / "half").string(), (directory / "half" / "checkpoints").string());
  }
}

TEST_CASE("a network that is too large for any machine is a bad argument") {
  const TemporaryDirectory directory;
  check_bad_argument(call("train", "--hidden", "1000000,1000000", "--run-dir", (directory / "run").string()),
                     "--hidden is '1000000,1000000', layers with at least 1000001000000 weights");
  // What is too much only in two networks side by side.
  const auto result =
      run_program(call("train", "--hidden", "1000000,2000", "--run-dir", (directory / "run").string()));
  CAPTURE(result.errors);
  CHECK(result.exit_code == 2);
  CHECK(result.errors.find("the network 'mlp 1000000 2000 tanh' is too large") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(directory / "run"));
}

TEST_CASE("options of dyna_q out of their range are bad arguments") {
  const TemporaryDirectory directory;
  const auto refused = [&](const std::string& flag, const std::string& value, const std::string& text) {
    check_bad_argument(
        call("train", "--preset", "dyna-q", flag, value, "--run-dir", (directory / "run").string()), text);
  };
  refused("--model-ensemble", "0", "--model-ensemble is '0'; expected ");
  refused("--model-units", "0", "--model-units is '0'; expected ");
  refused("--model-learning-rate", "0", "--model-learning-rate is '0'; expected ");
  refused("--model-ratio", "-1", "--model-ratio is '-1'; expected ");
  refused("--model-error-limit", "nan", "--model-error-limit is 'nan'; expected ");
  refused("--planning-ratio", "1001", "--planning-ratio is '1001'; expected ");
  refused("--planning-starts", "-1", "--planning-starts is '-1'; expected ");
  refused("--planning-steps", "65", "--planning-steps is 65; expected 1 to --minibatch-size");
  refused("--planning-epsilon", "2", "--planning-epsilon is '2'; expected ");
  refused("--sweeping-exponent", "2", "--sweeping-exponent is '2'; expected ");
  refused("--priority-exponent", "0.5", "--sweeping-exponent is 0.6; expected 0 or the --priority-exponent");
  refused("--modellers", "-1", "--modellers is '-1'; expected ");
  refused("--planners", "1025", "--planners is '1025'; expected ");
}

TEST_CASE("an option without a value, and one that is given twice, are refused in our words") {
  check_bad_argument(call("train", "--max-steps", "5", "--max-steps", "6"),
                     "--max-steps is given 2 times ('5', '6'); expected it once");
  check_bad_argument(call("train", "--preset", "tuned", "--preset", "tuned"), "--preset is given 2 times");
  check_bad_argument(call("train", "--max-steps"),
                     "--max-steps has no value; expected --max-steps N: a whole");
  check_bad_argument(call("train", "--normalise-observations", "--seed", "1"),
                     "--normalise-observations has no value, as '--seed' follows; expected "
                     "--normalise-observations true|false");
  check_bad_argument(call("sweep", "train", "--seeds"), "--seeds has no value; expected --seeds ");
  check_bad_argument(call("child", "--connect", "x:1", "--connect", "x:2"), "a child has one link");
  check_bad_argument(call("child", "--connect", "x:99999"), "the port from 0 to 65535");
}

TEST_CASE("a Parent whose port is in use says so") {
  const TemporaryDirectory directory;
  TakenPort port;
  port.listen();
  const auto result =
      run_program(call("parent", "--listen", port.endpoint(), "--run-dir", (directory / "run").string()));
  CAPTURE(result.errors);
  CHECK(result.exit_code == 1);
  CHECK(result.errors.find(port.endpoint()) != std::string::npos);
}

TEST_CASE("a Child whose Parent cannot be reached gives up after the join timeout") {
  const TemporaryDirectory directory;
  const TakenPort port;  // bound, but nobody listens
  RunningProgram child(call("child", "--connect", port.endpoint(), "--workers", "1", "--join-timeout", "0.5",
                            "--run-dir", (directory / "run").string()));
  const auto result = child.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 1);
  CHECK(result.errors.find("error: ") != std::string::npos);
  CHECK(child.all_gone());
  CHECK(json_of(directory / "run" / "summary.json")["ended_by"] == "error");
}

TEST_CASE("help goes to standard output and is no error") {
  for (const char* command : {"train", "parent", "child", "cluster", "evaluate"}) {
    const auto result = run_program(call(command, "--help"));
    CAPTURE(command);
    CHECK(result.exit_code == 0);
    CHECK(result.errors.empty());
    CHECK(result.output.find("--preset") != std::string::npos);
  }
  CHECK(run_program(call("--help")).exit_code == 0);
  CHECK(run_program(call("--version")).output.find('.') != std::string::npos);
}

TEST_CASE("what only the library can refuse is refused in the words of the command line", "[forks]") {
  const TemporaryDirectory directory;
  const auto refused = [&](std::vector<std::string> words, const std::string& expected) {
    words.insert(words.end(), {"--workers", "1", "--run-dir", (directory / "run").string()});
    auto command = call("train", "--preset", "dqn");
    command.insert(command.end(), words.begin(), words.end());
    check_bad_argument(command, expected);
  };
  refused({"--replay-capacity", "10"},
          "and --replay-capacity is 10; expected at least --minibatch-size, 64 steps");
  refused({"--loss", "qr_dqn", "--huber-delta", "0"}, "--huber-delta is 0, with which no quantiles");
}
