#include <fmt/format.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

#include "bad_argument.h"
#include "cli/commands/key_actions.h"
#include "fixture.h"
#include "genkidama/core/error.h"
#include "genkidama/rl/demonstrations.h"
#include "on_terminal.h"
#include "support/cart_pole_expert.h"
#include "support/catch.h"
#include "variable.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

/// Demonstrations of the test program's task, and a place for runs.
class Demonstrated {
 public:
  Demonstrated() { write_demonstrations(file("balanced"), cart_pole_demonstrations()); }

  std::string file(const std::string& name) const { return (directory / name).string(); }
  std::vector<std::string> train(const std::string& run, const std::vector<std::string>& more = {}) const {
    return with(call("train", "--workers", "1", "--demonstrations", file("balanced"), "--run-dir", file(run),
                     "--clone-epochs", "10"),
                more);
  }

  TemporaryDirectory directory;
};

}  // namespace

TEST_CASE("watch records the episodes that evaluate plays as demonstrations", "[forks]") {
  const Demonstrated place;
  REQUIRE(run_program(call("train", "--preset", "thesis", "--workers", "1", "--updates", "2",
                           "--eval-episodes", "0", "--run-dir", place.file("run")))
              .exit_code == 0);
  REQUIRE(run_program(call("evaluate", "--checkpoint", place.file("run/final.safetensors"), "--episodes", "3",
                           "--seed", "5", "--workers", "1", "--returns", place.file("returns.csv")))
              .exit_code == 0);
  const auto result = run_program(call("watch", "--checkpoint", place.file("run"), "--episodes", "3",
                                       "--seed", "5", "--record-demonstrations", place.file("recorded")));
  CAPTURE(result.errors);
  REQUIRE(result.exit_code == 0);
  CHECK_THAT(result.output, Contains(place.file("recorded") + ": 3 episodes, "));
  const Demonstrations recorded = read_demonstrations(place.file("recorded"));
  REQUIRE(recorded.episodes() == 3);
  CHECK(recorded.environment == "CartPole-v1");
  CHECK_THAT(recorded.recorder, Contains("the policy " + place.file("run")));
  std::string returns;
  for (std::size_t i = 0; i < 3; ++i)
    returns += (i == 0 ? "" : " ") + fmt::format("{}", recorded.episode_return(i));
  CHECK(csv_of(place.file("returns.csv"))[1][2] == returns);
}

TEST_CASE("train begins with demonstrations, and a resumed run does not", "[forks]") {
  const Demonstrated place;
  const auto result =
      run_program(place.train("run", {"--updates", "2", "--eval-episodes", "5", "--target-episodes", "7",
                                      "--clone-value-weight", "0.2"}));
  CAPTURE(result.errors, result.output);
  REQUIRE(result.exit_code == 0);
  CHECK_THAT(result.errors, Contains("fitted the policy to " + place.file("balanced") + ": 4 episodes, ") &&
                                Contains("% of the choices agree"));
  CHECK_THAT(result.errors, Contains("the fitted policy, after 0 steps of training: mean return ") &&
                                Contains(" in 7 episodes"));
  const auto config = json_of(place.file("run/config.json"));
  CHECK(config["demonstrations"] == place.file("balanced"));
  CHECK(config["clone_value_weight"] == 0.2);
  CHECK_FALSE(config.contains("clone_only"));
  CHECK(json_of(place.file("run/summary.json"))["cloning"]["options"]["epochs"] == 10);
  const std::string how = file_text(place.file("run/cloning.json"));
  const auto resumed = run_program(call("train", "--resume", place.file("run"), "--updates", "3"));
  CAPTURE(resumed.errors);
  CHECK(resumed.exit_code == 0);
  CHECK(resumed.errors.find("fitted") == std::string::npos);
  CHECK(file_text(place.file("run/cloning.json")) == how);
  CHECK(json_of(place.file("run/summary.json"))["cloning"]["file"] == place.file("balanced"));
  const auto refused =
      run_program(call("train", "--resume", place.file("run"), "--demonstrations", place.file("balanced")));
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.errors, Contains("goes on from its own state; leave --demonstrations out"));
}

TEST_CASE("a run that only clones is evaluated, and trained when it is resumed", "[forks]") {
  const Demonstrated place;
  const auto result =
      run_program(place.train("run", {"--clone-only", "--updates", "2", "--eval-episodes", "5"}));
  CAPTURE(result.errors);
  REQUIRE(result.exit_code == 0);
  CHECK_THAT(result.output, Contains("Run ended by cloned after 0 updates, 0 environment steps") &&
                                Contains("Final evaluation:"));
  CHECK(json_of(place.file("run/summary.json"))["ended_by"] == "cloned");
  const auto resumed = run_program(call("train", "--resume", place.file("run"), "--eval-episodes", "0"));
  CAPTURE(resumed.errors);
  CHECK(resumed.exit_code == 0);
  CHECK_THAT(resumed.output, Contains("Run ended by updates after 2 updates"));
}

TEST_CASE("the Parent of a cluster fits the policy, and its Children begin with it", "[forks]") {
  const Demonstrated place;
  const auto result =
      run_program(call("cluster", "--children", "1", "--workers", "1", "--updates", "2", "--alpha", "0",
                       "--eval-episodes", "0", "--demonstrations", place.file("balanced"), "--clone-epochs",
                       "5", "--run-dir", place.file("run")));
  CAPTURE(result.errors);
  REQUIRE(result.exit_code == 0);
  CHECK(json_of(place.file("run/summary.json"))["cloning"]["epochs"] == 5);
  CHECK(std::filesystem::exists(place.file("run/cloning.json")));
  CHECK_FALSE(std::filesystem::exists(place.file("run/children/child_1/cloning.json")));
}

TEST_CASE("demonstrations that cannot be taken are refused by the command line", "[forks]") {
  const Demonstrated place;
  check_bad_argument(call("train", "--demonstrations", place.file("none")), "cannot read");
  check_bad_argument(call("train", "--clone-only"),
                     "--clone-only is given; expected a file of demonstrations");
  check_bad_argument(call("train", "--demonstrations", place.file("balanced"), "--clone-epochs", "0"),
                     "--clone-epochs is '0'; expected a whole number");
  check_bad_argument(call("train", "--demonstrations", place.file("balanced"), "--clone-held-out", "0.6"),
                     "--clone-held-out is '0.6'");
  check_bad_argument({GENKIDAMA_LANDER_PROGRAM, "train", "--demonstrations", place.file("balanced")},
                     "recorded in 'CartPole-v1', and this environment is 'LunarLander-v2'");
  check_bad_argument(call("cluster", "--topology", "ring", "--exchange", "rounds", "--demonstrations",
                          place.file("balanced")),
                     "expected a cluster with a Parent");
  check_bad_argument(call("watch", "--checkpoint", place.file("none"), "--record", "x.svg",
                          "--record-demonstrations", place.file("x")),
                     "--record and --record-demonstrations are both given");
  check_bad_argument(call("watch", "--human", "--checkpoint", place.file("none")),
                     "--checkpoint is given with --human");
  check_bad_argument(call("watch", "--human", "--record", "x.svg"), "--record is given with --human");
  check_bad_argument(call("watch", "--human"), "--human plays in a terminal, and standard ");
  check_bad_argument(call("watch", "--human", "--record-demonstrations", place.file("none/x")),
                     "expected a path in a directory that exists");
  check_bad_argument(call("watch", "--human", "--record-demonstrations", place.file("")),
                     "which is a directory; expected a file");
}

namespace {

constexpr const char* kLeave = "\x1b[?25h\x1b[?1049l";

/// Whether the terminal gives lines and shows what is typed.
bool is_as_usual(int terminal) {
  termios state{};
  REQUIRE(tcgetattr(terminal, &state) == 0);
  return (state.c_lflag & ICANON) != 0 && (state.c_lflag & ECHO) != 0;
}

/// Types once the first picture is there, and looks whether keys come one by one then.
class Typing {
 public:
  explicit Typing(std::string keys) : keys_(std::move(keys)) {}
  void operator()(const std::string& text, int terminal) {
    if (std::exchange(is_typed_, text.find("\x1b[38;2;") != std::string::npos) || !is_typed_) return;
    CHECK_FALSE(is_as_usual(terminal));
    CHECK(::write(terminal, keys_.data(), keys_.size()) == static_cast<ssize_t>(keys_.size()));
  }

 private:
  std::string keys_;
  bool is_typed_ = false;
};

}  // namespace

TEST_CASE("a person plays with the keyboard, and what is played is recorded", "[forks]") {
  const Demonstrated place;
  const auto words =
      call("watch", "--human", "--episodes", "2", "--record-demonstrations", place.file("played"));
  const TerminalResult result = run_on_terminal(words, 120, Typing("\x1b[C"));
  CAPTURE(result.text.substr(result.text.size() - std::min<std::size_t>(result.text.size(), 400)));
  REQUIRE(result.exit_code == 0);
  CHECK(result.is_as_usual);
  CHECK(result.text.find("left and right arrow, or keys 0 to 1; q ends") != std::string::npos);
  const auto leave = result.text.rfind(kLeave);
  REQUIRE(leave != std::string::npos);
  CHECK(result.text.find("episode 2 of 2: return", leave) != std::string::npos);
  const Demonstrations played = read_demonstrations(place.file("played"));
  REQUIRE(played.episodes() == 2);
  CHECK(played.recorder == "a person at the keyboard");
  // CartPole knows no doing nothing: the cart is pushed to the right until another key comes.
  for (std::size_t t = played.lengths[0]; t < played.steps(); ++t) CHECK(played.actions[t] == 1);
}

TEST_CASE("however a person's play ends, the terminal is given back", "[forks]") {
  const Demonstrated place;
  const auto words = call("watch", "--human", "--speed", "0.01");
  const auto is_given_back = [](const TerminalResult& result) {
    CAPTURE(result.text.substr(result.text.size() - std::min<std::size_t>(result.text.size(), 300)));
    CHECK(result.text.rfind(kLeave) != std::string::npos);
    CHECK(result.is_as_usual);
  };
  const TerminalResult quit = run_on_terminal(words, 60, Typing("q"));
  CHECK(quit.exit_code == 0);
  is_given_back(quit);
  const TerminalResult escaped = run_on_terminal(words, 60, Typing("\x1b"));
  CHECK(escaped.exit_code == 0);
  is_given_back(escaped);
  const TerminalResult interrupted = run_on_terminal(words, 60, Typing("\x03"));
  CHECK(interrupted.exit_code == 128 + SIGINT);
  is_given_back(interrupted);
  // What was played to its end is kept.
  std::size_t seen = 0;
  const TerminalResult kept = run_on_terminal(
      call("watch", "--human", "--episodes", "1000", "--record-demonstrations", place.file("kept")), 60,
      [&](const std::string& text, int terminal) {
        if (seen == 0 && text.find("episode 2 of 1000") != std::string::npos)
          seen = static_cast<std::size_t>(::write(terminal, "\x03", 1));
      });
  CHECK(kept.exit_code == 128 + SIGINT);
  is_given_back(kept);
  CHECK(read_demonstrations(place.file("kept")).episodes() >= 1);
  // Nothing was played to its end.
  const TerminalResult nothing =
      run_on_terminal(with(words, {"--record-demonstrations", place.file("x")}), 60, Typing("q"));
  CHECK(nothing.exit_code == 1);
  CHECK(nothing.text.find("no episode was played to its end") != std::string::npos);
  is_given_back(nothing);
  CHECK_FALSE(std::filesystem::exists(place.file("x")));
  const Variable crash("GENKIDAMA_TEST_END", "abort");
  const TerminalResult crashed = run_on_terminal(call("watch", "--human"), 60);
  CHECK(crashed.exit_code == 128 + SIGABRT);
  is_given_back(crashed);
}

TEST_CASE("keys stand for actions, as far as a task has them", "[demonstrations]") {
  using cli::Key;
  using cli::KeyActions;
  const Clock::time_point start;
  const auto pressed = [&](const ActionSpace& space, std::vector<cli::KeyPress> keys, ActionMask mask = {}) {
    KeyActions actions(space);
    for (const cli::KeyPress& key : keys) actions.press(key, start);
    const Action action = actions.action(start, mask);
    return std::vector<float>(action.begin(), action.end());
  };
  using Numbers = std::vector<float>;
  const ActionSpace two{{2}, {}, {}}, three{{3}, {}, {}}, four{{4}, {}, {}}, nine{{9}, {}, {}};
  CHECK(pressed(two, {{Key::kRight}}) == Numbers{1});
  CHECK(pressed(three, {{Key::kLeft}}) == Numbers{0});
  CHECK(pressed(three, {}) == Numbers{1});
  CHECK(pressed(four, {{Key::kLeft}}) == Numbers{1});
  CHECK(pressed(four, {{Key::kUp}}) == Numbers{2});
  CHECK(pressed(four, {{Key::kUp}, {Key::kSpace}}) == Numbers{0});
  CHECK(pressed(nine, {{Key::kDigit, 8}}) == Numbers{8});
  CHECK(pressed(nine, {{Key::kDigit, 9}}) == Numbers{0});
  CHECK(pressed({{}, {-2}, {2}}, {{Key::kLeft}}) == Numbers{-2});
  CHECK(pressed({{}, {1}, {3}}, {}) == Numbers{2});
  CHECK(pressed({{}, {-1, -1}, {1, 1}}, {{Key::kUp}, {Key::kLeft}}) == Numbers{1, -1});
  // What the mask forbids is not done.
  const std::vector<std::uint8_t> mask{0, 1, 1, 0};
  CHECK(pressed(four, {{Key::kRight}}, mask) == Numbers{1});
  KeyActions actions(four);
  actions.press({Key::kUp, 0}, start);
  CHECK(actions.action(start + KeyActions::kHold, {})[0] == 2);
  CHECK(actions.action(start + KeyActions::kHold + Milliseconds{1}, {})[0] == 0);
  for (const ActionSpace& space : {ActionSpace{{11}, {}, {}}, ActionSpace{{2, 2}, {}, {}},
                                   ActionSpace{{2}, {-1}, {1}}, ActionSpace{{}, {-1, -1, -1}, {1, 1, 1}}}) {
    CHECK_THROWS_WITH(KeyActions(space),
                      Contains("which keys cannot play") && Contains("DemonstrationRecorder"));
  }
}
