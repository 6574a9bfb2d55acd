#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <utility>

#include "bad_argument.h"
#include "env/picture/gif.h"
#include "fixture.h"
#include "on_terminal.h"
#include "support/catch.h"
#include "variable.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

using Path = std::filesystem::path;

constexpr const char* kEnter = "\x1b[?1049h";
constexpr const char* kLeave = "\x1b[?25h\x1b[?1049l";

/// A short run of the test program, whose policy is watched.
class WatchedRun {
 public:
  WatchedRun() {
    REQUIRE(run_program(call("train", "--preset", "thesis", "--workers", "1", "--updates", "3",
                             "--checkpoint-every", "1", "--eval-episodes", "0", "--run-dir",
                             (directory / "run").string()))
                .exit_code == 0);
  }
  std::string run() const { return (directory / "run").string(); }
  std::string policy() const { return (directory / "run" / "final.safetensors").string(); }
  std::vector<std::string> watch(const std::vector<std::string>& more = {}) const {
    return with(call("watch", "--checkpoint", policy()), more);
  }
  std::string file(const std::string& name) const { return (directory / name).string(); }

  TemporaryDirectory directory;
};

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("watch records the best of the episodes that evaluate plays", "[forks]") {
  const WatchedRun run;
  REQUIRE(run_program(call("evaluate", "--checkpoint", run.policy(), "--episodes", "4", "--seed", "5",
                           "--workers", "1", "--returns", run.file("returns.csv")))
              .exit_code == 0);
  std::istringstream returns(csv_of(run.file("returns.csv"))[1][2]);
  double best = 0;
  int number = 0;
  for (int i = 1; i <= 4; ++i) {
    double value = 0;
    REQUIRE(returns >> value);
    if (value <= best) continue;
    best = value;
    number = i;
  }
  const std::string svg = run.file("best.svg");
  const auto result = run_program(run.watch({"--episodes", "4", "--seed", "5", "--record", svg}));
  CAPTURE(result.errors);
  REQUIRE(result.exit_code == 0);
  CHECK(result.output.find(fmt::format("{}: episode {} of 4: return {:.1f}, ", svg, number, best)) == 0);
  const std::string text = file_text(svg);
  // CartPole is played 50 times a second, and drawn 25 times.
  CHECK(count(text, "<g ") >= static_cast<std::size_t>(best / 2));
  CHECK(text.ends_with("</svg>\n"));

  // A directory of pictures, of the run's last policy; greedy actions are others.
  const auto frames =
      run_program(call("watch", "--checkpoint", run.run(), "--greedy", "--record", run.file("frames/")));
  CAPTURE(frames.errors);
  REQUIRE(frames.exit_code == 0);
  CHECK(file_text(run.file("frames/frame_0000.svg")).ends_with("</svg>\n"));
  CHECK(frames.output.find("episode 1: return") != std::string::npos);
  check_bad_argument(run.watch({"--record", run.file("frames/")}), "which exists; expected a new directory");

  if (!picture::has_gif()) return;
  const std::string gif = run.file("best.gif");
  REQUIRE(run_program(run.watch({"--record", gif, "--speed", "4"})).exit_code == 0);
  CHECK(file_text(gif).starts_with("GIF89a"));
}

TEST_CASE("watch refuses what it cannot play or write before it plays", "[forks]") {
  const WatchedRun run;
  check_bad_argument(run.watch(), "expected --record FILE.gif, or a call in a terminal");
  check_bad_argument(run.watch({"--record", run.file("x.png")}), "expected a name that ends in .gif or .svg");
  check_bad_argument(run.watch({"--record", run.file("none/x.svg")}),
                     "expected a path in a directory that exists");
  std::filesystem::create_directory(run.file("d.svg"));
  check_bad_argument(run.watch({"--record", run.file("d.svg")}), "which is a directory; expected a file");
  check_bad_argument(run.watch({"--checkpoint", run.policy()}),
                     "--checkpoint is given 2 files; expected one to watch");
  check_bad_argument(
      call("watch", "--checkpoint", run.run() + "/state.safetensors", "--record", run.file("x.svg")),
      "the state of a run");
  check_bad_argument(run.watch({"--speed", "0"}), "--speed is '0'; expected a number");
  check_bad_argument(with({GENKIDAMA_LANDER_PROGRAM, "watch", "--checkpoint", run.policy()},
                          {"--record", run.file("x.svg")}),
                     "is a policy for environment 'CartPole-v1'");
  CHECK_FALSE(std::filesystem::exists(run.file("x.svg")));
}

TEST_CASE("a full disk is an error, and what was there stays", "[forks]") {
  const WatchedRun run;
  std::filesystem::create_symlink("/dev/full", run.file("full.svg"));
  const auto result = run_program(run.watch({"--record", run.file("full.svg")}));
  CHECK(result.exit_code == 1);
  CHECK(result.errors.find("full.svg") != std::string::npos);
  CHECK(count(result.errors, "\n") == 1);
}

TEST_CASE("watch tells of an environment that draws nothing, or nonsense", "[forks]") {
  const WatchedRun run;
  {
    const Variable nothing("GENKIDAMA_TEST_DRAW", "nothing");
    check_bad_argument(run.watch({"--record", run.file("x.svg")}),
                       "environment 'CartPole-v1' cannot be watched");
    const auto result = run_on_terminal(run.watch(), 60);
    CHECK(result.exit_code == 2);
    CHECK(result.text.find("cannot be watched") != std::string::npos);
    CHECK(result.text.find(kEnter) == std::string::npos);
  }
  const Variable nonsense("GENKIDAMA_TEST_DRAW", "nan");
  const auto result = run_program(run.watch({"--record", run.file("x.svg")}));
  CHECK(result.exit_code == 0);
  CHECK(count(result.errors, "circle() was given the radius nan") == 1);
  CHECK(file_text(run.file("x.svg")).find("nan") == std::string::npos);
}

TEST_CASE("watch plays on the terminal's other screen, and tells the returns on the first one", "[forks]") {
  const WatchedRun run;
  const Variable nonsense("GENKIDAMA_TEST_DRAW", "nan");
  const auto [text, exit_code, is_as_usual] = run_on_terminal(run.watch({"--speed", "1000"}), 60);
  CHECK(exit_code == 0);
  const auto leave = text.find(kLeave);
  REQUIRE(leave != std::string::npos);
  CHECK(text.find(kEnter) == 0);
  CHECK(text.find("\x1b[38;2;") < leave);
  CHECK(text.find("\x1b[24;1Hepisode 1: return") < leave);
  // What was logged meanwhile comes afterwards.
  CHECK(text.find("warning: environment 'CartPole-v1'") > leave);
  CHECK(text.find("episode 1: return", leave) != std::string::npos);
}

TEST_CASE("however watch ends, it gives the terminal back", "[forks]") {
  const WatchedRun run;
  const auto is_given_back = [](const TerminalResult& result) {
    CAPTURE(result.text.substr(result.text.size() - std::min<std::size_t>(result.text.size(), 300)));
    const auto leave = result.text.rfind(kLeave);
    return leave != std::string::npos && leave > result.text.rfind(kEnter);
  };
  bool is_typed = false;
  const auto type = [&](const char* key) {
    return [&is_typed, key](const std::string& text, int terminal) {
      if (!std::exchange(is_typed, text.find("\x1b[38;2;") != std::string::npos) && is_typed)
        CHECK(::write(terminal, key, 1) == 1);
    };
  };
  const auto interrupted = run_on_terminal(run.watch({"--speed", "0.01"}), 60, type("\x03"));
  CHECK(interrupted.exit_code == 128 + SIGINT);
  CHECK(is_given_back(interrupted));

  const Variable crash("GENKIDAMA_TEST_END", "abort");
  const auto crashed = run_on_terminal(run.watch(), 60);
  CHECK(crashed.exit_code == 128 + SIGABRT);
  CHECK(is_given_back(crashed));
  CHECK(crashed.text.find("signal 6 (Aborted)") != std::string::npos);
}
