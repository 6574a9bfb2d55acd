#include "genkidama/env/process_environment.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "env/process/foreign_session.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/env/check_environment.h"
#include "genkidama/env/checked_environment.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/patience.h"
#include "support/temporary_directory.h"

namespace genkidama::test {
namespace {

const Milliseconds kLong = patient_seconds(20);
constexpr Milliseconds kShort{300};

/// A rogue, with the file that counts how often it was started.
class Rogue {
 public:
  explicit Rogue(const std::string& mode) {
    options_.command = {GENKIDAMA_PYTHON3, "-B", GENKIDAMA_ROGUE, mode, counter().string()};
    options_.start_timeout = options_.reset_timeout = options_.step_timeout = kLong;
    // Each hang is waited for, so it is told early; whatever else may take its time.
    if (mode.rfind("hangs-at-start", 0) == 0) options_.start_timeout = kShort;
    if (mode.rfind("hangs-in-reset", 0) == 0) options_.reset_timeout = kShort;
    if (mode.rfind("hangs-in-step", 0) == 0) options_.step_timeout = kShort;
  }
  ProcessEnvironmentOptions& options() { return options_; }
  std::filesystem::path counter() const { return directory_ / "starts"; }
  std::size_t starts() const {
    return std::filesystem::exists(counter()) ? std::filesystem::file_size(counter()) : 0;
  }
  std::unique_ptr<Environment> make(EnvironmentPurpose purpose = EnvironmentPurpose::kTrain) const {
    return make_process_environment(options_, {2, 1, purpose});
  }

 private:
  TemporaryDirectory directory_;
  ProcessEnvironmentOptions options_;
};

/// What is logged meanwhile.
class Logged {
 public:
  Logged() {
    set_log_sink([this](LogLevel, std::string_view text) { lines_.emplace_back(text); });
  }
  ~Logged() { set_log_sink({}); }
  const std::vector<std::string>& lines() const { return lines_; }
  std::string last() const { return lines_.empty() ? "" : lines_.back(); }

 private:
  std::vector<std::string> lines_;
};

std::vector<float> copy(Observation observation) {
  return {observation.begin(), observation.end()};
}

/// Plays an episode that must go well.
void check_honest_episode(Environment& environment, std::uint64_t seed) {
  const auto first = static_cast<float>(seed);
  CHECK(copy(environment.reset(seed)) == std::vector<float>{first, 0});
  for (int step = 1; step <= 5; ++step) {
    const StepResult result = environment.step(step % 3);
    CHECK(copy(result.observation) == std::vector<float>{first, static_cast<float>(step)});
    CHECK(result.reward == static_cast<float>(step % 3));
    CHECK(result.terminated == (step == 5));
    CHECK_FALSE(result.truncated);
    CHECK_FALSE(result.lost);
  }
}

bool is_alive(pid_t pid) {
  if (::kill(pid, 0) != 0) return false;
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const auto after_name = text.rfind(')');
  return after_name != std::string::npos && text[after_name + 2] != 'Z';
}

TEST_CASE("a process describes its environment, and plays it", "[forks]") {
  Rogue rogue("honest");
  const auto environment = rogue.make();
  const EnvironmentSpec& spec = environment->spec();
  CHECK(spec.name == "rogue");
  CHECK(spec.observation_shape == std::vector<int>{2});
  CHECK(spec.action_space.choices == std::vector<int>{3});
  CHECK(spec.time_limit == 9);
  CHECK(spec.reward_threshold == 4.5);
  for (const std::uint64_t seed : {1, 99}) check_honest_episode(*environment, seed);
  CHECK(rogue.starts() == 1);
}

TEST_CASE("a name that was given stands in place of the process' own", "[forks]") {
  Rogue rogue("honest");
  rogue.options().name = "arm in the lab";
  CHECK(rogue.make()->spec().name == "arm in the lab");
}

TEST_CASE("an environment that is only described takes no turns", "[forks]") {
  Rogue rogue("honest");
  const auto environment = rogue.make(EnvironmentPurpose::kDescribe);
  CHECK(environment->spec().observation_size == 2);
  CHECK_THROWS_WITH(environment->reset(1), Catch::Contains("made only to be described"));
}

TEST_CASE("what a process says of itself is checked, and the error says what is wrong", "[forks]") {
  const auto [mode, text] = GENERATE(table<const char*, const char*>({
      {"wrong-version", "speaks version 7 of the environment protocol, expected 1"},
      {"wrong-magic", "does not speak the environment protocol"},
      {"wrong-kind", "sent a message of kind 6 where its spec was expected"},
      {"garbage-at-start", "sent a message of kind"},
      {"short-message", "sent a message of 3 bytes, expected at least 8"},
      {"huge-message", "sent 100000 bytes, expected at most 65536"},
      {"more-environments", "serves 2 environments, expected 1"},
      {"no-observation", "observation_size is 0"},
      {"empty-observation", "observation_shape is [0]"},
      {"huge-observation", "expected at most 268435456"},
      {"overflowing-observation", "2147483648 floats in a dimension"},
      {"many-dimensions", "9 dimensions of an observation, expected at most 8"},
      {"no-action", "action_count is 0"},
      {"empty-choice", "0 alternatives for choice 0"},
      {"endless-choice", "4294967295 alternatives"},
      {"low-above-high", "bounds 1 and -1"},
      {"nan-bound", "bounds nan and 1"},
      {"nameless-metrics", "names 1 metrics, expected 2"},
      {"endless-time", "4294967295 steps in an episode"},
      {"unknown-flags", "6 bytes in its flags"},
      {"long-name", "300 bytes in its name"},
      {"short-spec", "shorter than its own sizes say"},
      {"long-spec", "longer than its own sizes say"},
      {"lies-about-sizes", "is ready for 5 floats in an observation, but its spec says 2"},
      {"not-ready", "where it was expected to be ready"},
      {"grows-memory", "changed the shared memory before it was told the layout"},
      {"refuses", "failed: there is no gravity here"},
      {"refuses-unasked", "failed: the engine is in use"},
  }));
  CAPTURE(mode);
  Rogue rogue(mode);
  CHECK_THROWS_AS(rogue.make(), ArgumentError);
  CHECK_THROWS_WITH(rogue.make(), Catch::Contains(text) && Catch::Contains("rogue_environment.py"));
}

TEST_CASE("a process that dies at its start is started three times, and its last line is told", "[forks]") {
  Rogue rogue("dies-at-start");
  Logged logged;
  CHECK_THROWS_WITH(rogue.make(), Catch::Contains("ended with exit code 3") &&
                                      Catch::Contains("'no licence for this engine'"));
  CHECK(rogue.starts() == 3);
  CHECK(logged.lines().size() == 2);
}

TEST_CASE("a process that dies or hangs at its first start only is started again", "[forks]") {
  const std::string mode = GENERATE("dies-at-start-once", "hangs-at-start-once");
  CAPTURE(mode);
  Rogue rogue(mode);
  // The second start takes what Python takes.
  rogue.options().start_timeout = kLong / 10;
  Logged logged;
  const auto environment = rogue.make();
  CHECK(logged.lines().size() == 1);
  check_honest_episode(*environment, 3);
  CHECK(rogue.starts() == 2);
}

TEST_CASE("a process that never answers its start is given up", "[forks]") {
  Rogue rogue("hangs-at-start");
  Logged logged;
  CHECK_THROWS_WITH(rogue.make(), Catch::Contains("did not answer within 0.3 s at its start") &&
                                      Catch::Contains("start_timeout is the limit"));
}

TEST_CASE("the last words of a process that read nothing are heard") {
  ForeignSocket socket;
  socket.send("hello", 5);
  REQUIRE(::write(socket.foreign_end(), "no licence", 10) == 10);
  socket.close_foreign_end();
  socket.send("more", 4);
  std::array<char, 64> words;
  const auto receive = [&] { return socket.receive(words.data(), words.size(), kLong, kLong); };
  CHECK(std::string(words.data(), receive()) == "no licence");
  CHECK_FALSE(socket.is_closed_by_program());
  CHECK_THROWS_AS(receive(), ForeignFault);
  CHECK(socket.is_closed_by_program());
}

TEST_CASE("a spec in C++ may leave out fields, without a warning") {
  constexpr std::uint32_t kSize = 3, kChoices = 2;
  const genkidama_spec spec = {.dimensions = 1, .shape = &kSize, .choices = 1, .alternatives = &kChoices};
  CHECK(spec.name == nullptr);
  CHECK(spec.reward_threshold == nullptr);
  CHECK(spec.time_limit == 0);
}

TEST_CASE("a command that does not exist is named", "[forks]") {
  ProcessEnvironmentOptions options;
  options.command = {"/nowhere/engine", "--fast"};
  CHECK_THROWS_AS(make_process_environment(options), ArgumentError);
  CHECK_THROWS_WITH(make_process_environment(options),
                    Catch::Contains("cannot start '/nowhere/engine': No such file or directory"));
  options.command = {"/etc/passwd"};
  CHECK_THROWS_WITH(make_process_environment(options), Catch::Contains("Permission denied"));
  options.command = {"true"};
  CHECK_THROWS_WITH(make_process_environment(options), Catch::Contains("ended with exit code 0"));
}

TEST_CASE("options that no process environment can have are refused") {
  const auto check = [](auto change, const char* text) {
    ProcessEnvironmentOptions options;
    options.command = {"true"};
    change(options);
    CHECK_THROWS_WITH(make_process_environment(options), Catch::Contains(text));
  };
  check([](auto& options) { options.command.clear(); }, "command is empty");
  check([](auto& options) { options.command = {""}; }, "command is empty");
  check([](auto& options) { options.step_timeout = Milliseconds(0); }, "step_timeout is 0");
  check([](auto& options) { options.reset_timeout = Milliseconds(-1); }, "reset_timeout is -1");
  check([](auto& options) { options.max_failures_at_reset = 0; }, "max_failures_at_reset is 0");
  check([](auto& options) { options.variables = {{"A=B", "C"}}; }, "a variable 'A=B'");
}

TEST_CASE("a failure in a step loses the episode, and the next one is played by a new process", "[forks]") {
  const auto [mode, text] = GENERATE(table<const char*, const char*>({
      {"dies-in-step-once",
       "was killed by signal 9 (Killed), and its last line of output was 'out of tune ?[2J?'"},
      {"exits-in-step-once", "ended with exit code 5"},
      {"hangs-in-step-once", "did not answer within 0.3 s"},
      {"fails-in-step-once", "failed: the arm  [31m hit the t\u00e4ble"},
      {"nan-in-step-once", "its process gave nan as observation value 1 in step()"},
      {"infinite-reward-once", "gave the reward inf and the ends 0 in step(); the episode is lost"},
      {"unknown-end-once", "the ends 77"},
      {"garbage-in-step-once", "sent a message of 7 bytes"},
      {"long-answer-once", "sent 40008 bytes"},
      {"wrong-turn-once", "answered turn 5 in turn 4"},
      {"closes-its-socket-once", "was killed"},
  }));
  CAPTURE(mode);
  Rogue rogue(mode);
  Logged logged;
  const auto environment = make_checked(rogue.make());
  environment->reset(7);
  for (int step = 1; step <= 2; ++step) CHECK_FALSE(environment->step(1).lost);
  const StepResult result = environment->step(1);
  CHECK(result.lost);
  CHECK(result.truncated);
  CHECK_FALSE(result.terminated);
  CHECK(result.reward == 0);
  CHECK(copy(result.observation) == std::vector<float>{7, 2});  // the last one that was whole
  CHECK_THAT(logged.last(), Catch::Contains(text) && Catch::Contains("lost so far: 1"));
  CHECK_THROWS_AS(environment->step(1), ArgumentError);
  check_honest_episode(*environment, 8);
  CHECK(rogue.starts() == 2);
}

TEST_CASE("a second answer is noticed in the next turn", "[forks]") {
  Rogue rogue("answers-twice-once");
  Logged logged;
  const auto environment = rogue.make();
  environment->reset(7);
  for (int step = 1; step <= 3; ++step) CHECK_FALSE(environment->step(0).lost);
  CHECK(environment->step(0).lost);
  CHECK_THAT(logged.last(), Catch::Contains("answered turn 4 in turn 5; expected one answer to each turn"));
  check_honest_episode(*environment, 8);
}

TEST_CASE("a process that is ready twice loses its first episode at once", "[forks]") {
  Rogue rogue("ready-twice-once");
  Logged logged;
  const auto environment = rogue.make();
  check_honest_episode(*environment, 8);
  CHECK_THAT(logged.last(), Catch::Contains("sent a message of kind 4"));
}

TEST_CASE("a failure in reset() starts the process again at once", "[forks]") {
  const std::string mode = GENERATE("dies-in-reset-once", "hangs-in-reset-once", "nan-in-reset-once");
  CAPTURE(mode);
  Rogue rogue(mode);
  rogue.options().reset_timeout = mode == "hangs-in-reset-once" ? kLong / 10 : kLong;
  Logged logged;
  const auto environment = rogue.make();
  check_honest_episode(*environment, 8);
  CHECK(logged.lines().size() == 1);
  CHECK(rogue.starts() == 2);
}

TEST_CASE("three failures in a row in reset() are an error that says what happened", "[forks]") {
  const auto [mode, text] = GENERATE(table<const char*, const char*>({
      {"dies-in-reset", "was killed by signal 9"},
      {"hangs-in-reset", "did not answer within 0.3 s"},
      {"nan-in-reset", "at last it gave nan as observation value 1"},
      {"forbids-everything", "gave a mask that cannot be: the action mask forbids all 3 alternatives"},
  }));
  CAPTURE(mode);
  Rogue rogue(mode);
  Logged logged;
  const auto environment = rogue.make();
  CHECK_THROWS_WITH(
      environment->reset(1),
      Catch::Contains("failed 3 times in a row before an episode had started") && Catch::Contains(text));
  CHECK(rogue.starts() == 3);
}

TEST_CASE("episodes that are all lost end in an error", "[forks]") {
  Rogue rogue("dies-in-step");
  rogue.options().max_lost_episodes_in_a_row = 4;
  Logged logged;
  const auto environment = rogue.make();
  const auto lose = [&] {
    environment->reset(1);
    environment->step(0);
    environment->step(0);
    return environment->step(0).lost;
  };
  for (int i = 0; i < 3; ++i) CHECK(lose());
  CHECK_THROWS_WITH(lose(), Catch::Contains("4 episodes in a row were lost"));
}

TEST_CASE("a fault that comes back in the first step of every episode ends early", "[forks]") {
  Rogue rogue("fails-in-first-step");
  Logged logged;
  const auto environment = rogue.make();
  const auto lose = [&] {
    environment->reset(1);
    return environment->step(0).lost;
  };
  for (int i = 0; i < 9; ++i) CHECK(lose());
  CHECK_THROWS_WITH(lose(), Catch::Contains("failed 10 times in a row in the first step of an episode") &&
                                Catch::Contains("it failed: the arm is not plugged in"));
  // A whole step in between, or another fault: it may pass.
  for (const char* mode : {"fails-in-second-step", "fails-otherwise-in-first-step"}) {
    CAPTURE(mode);
    Rogue passing(mode);
    passing.options().max_lost_episodes_in_a_row = 12;
    const auto other = passing.make();
    int lost = 0;
    try {
      while (lost < 20) {
        other->reset(1);
        StepResult result = other->step(0);
        if (!result.lost) result = other->step(0);
        lost += result.lost ? 1 : 0;
      }
    } catch (const Error& error) {
      CHECK_THAT(error.what(), Catch::Contains("12 episodes in a row were lost"));
    }
    CHECK(lost == 11);
  }
}

TEST_CASE("a process that describes another environment after its death is refused", "[forks]") {
  Rogue rogue("changes-its-spec");
  Logged logged;
  auto environment = rogue.make();
  environment->reset(1);
  const auto starts = [&] { return rogue.starts(); };
  REQUIRE(starts() == 1);
  // It does not die by itself.
  const auto children_of = [](pid_t parent) {
    const std::string number = std::to_string(parent);
    std::ifstream file("/proc/" + number + "/task/" + number + "/children");
    return std::vector<pid_t>(std::istream_iterator<pid_t>(file), {});
  };
  // Those of earlier environments may still be on their way out.
  std::vector<pid_t> processes;
  REQUIRE(eventually([&] {
    processes.clear();
    for (const pid_t keeper : children_of(::getpid())) {
      const auto kept = children_of(keeper);
      processes.insert(processes.end(), kept.begin(), kept.end());
    }
    return processes.size() == 1;
  }));
  ::kill(processes.front(), SIGKILL);
  CHECK(environment->step(0).lost);
  CHECK_THROWS_WITH(environment->reset(1), Catch::Contains("describes another environment than before"));
}

TEST_CASE("a process cannot make the shared memory smaller, nor spoil it", "[forks]") {
  const std::string mode = GENERATE("shrinks-memory", "fills-memory");
  CAPTURE(mode);
  Rogue rogue(mode);
  check_honest_episode(*rogue.make(), 2);
  CHECK(rogue.starts() == 1);
}

TEST_CASE("what a process prints goes to standard error, a few lines of it and harmless", "[forks]") {
  TemporaryDirectory directory;
  const int kept = ::dup(STDERR_FILENO);
  const int file = ::creat((directory / "errors").c_str(), 0600);
  ::dup2(file, STDERR_FILENO);
  {
    Rogue rogue("prints");
    check_honest_episode(*rogue.make(), 2);
  }
  ::dup2(kept, STDERR_FILENO);
  ::close(kept);
  ::close(file);
  std::ifstream stream(directory / "errors");
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  REQUIRE(lines.size() > 10);
  CHECK(lines.size() < 100);  // of 1,200
  CHECK(lines.front().find("genkidama: python3: ???? rubbish ") != std::string::npos);
  for (const std::string& line : lines) {
    for (const char c : line) CHECK(static_cast<unsigned char>(c) >= ' ');
    CHECK(line.find("\xc2\x9b") == std::string::npos);
  }
  CHECK_THAT(lines.back(), Catch::Contains("more lines"));
}

std::array<pid_t, 2> children_of(const Rogue& rogue) {
  std::array<pid_t, 2> pids{};
  std::ifstream file(rogue.counter().string() + ".children");
  file >> pids[0] >> pids[1];
  return pids;
}

TEST_CASE("the processes that a process has started end with it", "[forks]") {
  Rogue rogue("leaves-children");
  auto environment = rogue.make();
  environment->reset(1);
  const auto pids = children_of(rogue);
  for (const pid_t pid : pids) REQUIRE(is_alive(pid));
  environment.reset();
  for (const pid_t pid : pids) CHECK(eventually([pid] { return !is_alive(pid); }));
}

TEST_CASE("the process and those that it has started end when the trainer is killed", "[forks]") {
  Rogue rogue("leaves-children");
  const pid_t trainer = ::fork();
  if (trainer == 0) {
    try {
      auto environment = rogue.make();
      environment->reset(1);
      ::raise(SIGKILL);
    } catch (const std::exception&) {
    }
    ::_exit(1);
  }
  int status = 0;
  REQUIRE(::waitpid(trainer, &status, 0) == trainer);
  REQUIRE(WIFSIGNALED(status));
  for (const pid_t pid : children_of(rogue)) {
    REQUIRE(pid > 0);
    CHECK(eventually([pid] { return !is_alive(pid); }));
  }
}

TEST_CASE("a process that does not end is killed", "[forks]") {
  Rogue rogue("ignores-the-end");
  rogue.options().end_timeout = Milliseconds(50);
  auto environment = rogue.make();
  environment->reset(1);
  const auto start = Clock::now();
  environment.reset();
  CHECK(Clock::now() - start < patient_seconds(10));
}

TEST_CASE("an environment in a process keeps the contract of environments", "[forks]") {
  Rogue rogue("honest");
  EnvironmentCheckOptions options;
  options.episodes = 5;
  const EnvironmentReport report = check_environment(
      [&rogue](const EnvironmentContext& context) {
        return make_process_environment(rogue.options(), context);
      },
      options);
  CAPTURE(to_text(report));
  CHECK(report.ok());
}

}  // namespace
}  // namespace genkidama::test
