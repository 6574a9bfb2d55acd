// state.safetensors: what it holds, and what becomes of it when a disk fails.
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>

#include "core/failing_calls.h"
#include "genkidama/core/atomic_file.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/params/safetensors.h"
#include "run/directory/parent_identity.h"
#include "run/directory/run_directory.h"
#include "run/directory/run_lock.h"
#include "run/metrics/csv_file.h"
#include "run/state/child_counters.h"
#include "run/state/machine_time.h"
#include "run/state/run_state.h"
#include "support/averages.h"
#include "support/catch.h"
#include "support/child_process.h"
#include "support/json_file.h"
#include "support/temporary_directory.h"
#include "support/trainer_part.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

const ParameterLayout& layout() {
  static const ParameterLayout layout({{"w", {2}}, {"b", {1}}});
  return layout;
}

/// Six transitions of the second of three workers, which keeps four.
const ReplayBuffer& replay() {
  static const ReplayBuffer buffer = [] {
    ReplayBuffer result(3, 4, 1);
    for (int i = 0; i < 6; ++i) {
      const auto n = static_cast<float>(i);
      const std::vector<float> before{n}, after{n + 1};
      result.store(1, {before, before, 2 * n, after, i == 2, i == 5});
    }
    return result;
  }();
  return buffer;
}

const TrainerPart& trainer() {
  static const TrainerPart part = [] {
    TrainerPart result({7, 8});
    result.replay_buffer = &replay();
    return result;
  }();
  return part;
}

const PolicyAverage& average() {
  static const PolicyAverage average = average_of({-1, -2, -3}, 2);
  return average;
}

/// As large as a small one can be: a part of every kind.
RunState state_of(std::uint64_t update) {
  RunState state;
  state.totals.updates = update;
  state.totals.in_run.steps = 10 * update;
  state.totals.worker_restarts = 3;
  state.totals.lost_episodes = 5;
  state.totals.exchanges = 4;
  state.totals.reconnects = 5;
  state.weights = {1, 2, static_cast<float>(update)};
  state.trainer = &trainer();
  state.average = &average();
  state.recent_returns = {1.0 / 3, -2};
  state.session = {"6b01ff10-b16a2a40", 7, 8, {9, 10}};
  state.children = R"({"a":[1,2,3,4,5]})";
  return state;
}

/// As the state of a run whose optimizer's state has so many values.
RunState read_state(const std::filesystem::path& path, const ParameterLayout& network = layout(),
                    std::size_t optimizer = 2) {
  TrainerPart part(std::vector<float>(optimizer, 0));
  PolicyAverage average;
  return read_run_state(path, network, &part, average);
}

NewestRunState read_newest(const std::filesystem::path& path) {
  TrainerPart part({0, 0});
  PolicyAverage average;
  return read_newest_run_state(path, layout(), &part, average);
}

std::uint64_t newest(const std::filesystem::path& path) {
  return read_newest(path).state.totals.updates;
}

void cut(const std::filesystem::path& path, std::uintmax_t size) {
  std::filesystem::resize_file(path, size);
}

/// What a power cut may do to the file that was written last; not to one that has been there for long, which
/// a failure between the two renames leaves with both names.
void lose(const std::filesystem::path& path) {
  if (std::filesystem::hard_link_count(path) == 1) cut(path, 0);
}

/// Counts how often a file is opened.
class OpenCounter {
 public:
  explicit OpenCounter(const std::filesystem::path& file) : fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    // The kernel makes one event of several equal ones in a row: the closes keep the opens apart.
    REQUIRE(::inotify_add_watch(fd_, file.c_str(), IN_OPEN | IN_CLOSE) >= 0);
  }
  ~OpenCounter() { ::close(fd_); }
  OpenCounter(const OpenCounter&) = delete;
  OpenCounter& operator=(const OpenCounter&) = delete;

  /// Those since the last call.
  int opens() const {
    std::array<inotify_event, 64> events{};  // an event of a watched file itself carries no name
    const ssize_t size = ::read(fd_, events.data(), sizeof(events));
    const std::size_t count = size < 0 ? 0 : static_cast<std::size_t>(size) / sizeof(inotify_event);
    return static_cast<int>(std::count_if(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(count),
                                          [](const auto& event) { return (event.mask & IN_OPEN) != 0; }));
  }

 private:
  int fd_;
};

}  // namespace

TEST_CASE("a state keeps everything that a run goes on with") {
  const TemporaryDirectory directory;
  const auto path = directory / "state.safetensors";
  const RunState written = state_of(9);
  write_run_state(path, layout(), written);
  TrainerPart part({0, 0});
  PolicyAverage read_average({.kind = PolicyAverageKind::kEma});
  const RunState read = read_run_state(path, layout(), &part, read_average);
  CHECK(read.totals.worker_restarts == 3);
  CHECK(read.totals.lost_episodes == 5);
  CHECK(read.totals.exchanges == 4);
  CHECK(read.totals.reconnects == 5);
  CHECK(read.weights == written.weights);
  CHECK(part.optimizer_state == trainer().optimizer_state);
  CHECK(read_average.count() == 2);
  CHECK(read_average.state().weights == average().state().weights);
  CHECK(read.recent_returns == written.recent_returns);
  CHECK(read.children == written.children);
  CHECK(read.session.run_id == written.session.run_id);
  CHECK(read.session.session == 7);
  CHECK(read.session.sequence == 8);
  CHECK(read.session.since_child_began.steps == 9);
  CHECK(read.session.since_child_began.episodes == 10);
  CHECK_FALSE(read.evaluation_missing);
  const auto age = seconds_between(read.written, machine_time());
  REQUIRE(age);
  CHECK(*age >= 0);
  REQUIRE(part.replay.size() == 3);
  CHECK(part.replay[0].stored == 0);
  CHECK(part.replay[1].stored == 6);
  const TransitionBatch& rows = part.replay[1].newest;
  const TransitionBatch kept = replay().share(1, 4).newest;
  REQUIRE(rows.size() == 4);
  CHECK(rows.observations == kept.observations);
  CHECK(rows.actions == kept.actions);
  CHECK(rows.rewards == kept.rewards);
  CHECK(rows.next_observations == kept.next_observations);
  CHECK(rows.terminated == kept.terminated);
  CHECK(rows.truncated == kept.truncated);

  RunState again = written;
  again.evaluation_missing = true;
  write_run_state(path, layout(), again);
  CHECK(read_state(path).evaluation_missing);
}

TEST_CASE("a state is opened once: what the checksum vouches for is what is used") {
  const TemporaryDirectory directory;
  const auto path = directory / "state.safetensors";
  write_run_state(path, layout(), state_of(9));
  // The same tensors in another order must not need a second look either.
  Checkpoint other_order = read_safetensors(path);
  std::vector<ParameterLayout::Tensor> tensors;
  for (const TensorInfo& tensor : other_order.layout.tensors())
    tensors.push_back({tensor.name, tensor.shape});
  std::swap(tensors[0], tensors[1]);
  other_order.layout = ParameterLayout(tensors);
  std::rotate(other_order.weights.begin(), other_order.weights.begin() + 2, other_order.weights.begin() + 3);
  for (const char* field : {"checksum", "state_format"}) other_order.metadata.erase(field);
  const auto other_path = directory / "other_order.safetensors";
  write_safetensors(other_path, other_order);

  for (const auto& file : {path, other_path}) {
    CAPTURE(file);
    const OpenCounter counter(file);
    TrainerPart part({0, 0});
    PolicyAverage no_average;
    const RunState read = read_run_state(file, layout(), &part, no_average);
    CHECK(read.weights == std::vector<float>{1, 2, 9});
    CHECK(part.optimizer_state == std::vector<float>{7, 8});
    CHECK(counter.opens() == 1);
    read_safetensors(file);
    read_safetensors(file);
    CHECK(counter.opens() == 2);  // it does count
  }
}

TEST_CASE("a state of another network is told tensor by tensor") {
  const TemporaryDirectory directory;
  const auto path = directory / "state.safetensors";
  write_run_state(path, layout(), state_of(9));
  const std::string start = "'" + path.string() + "' is a checkpoint of another network: ";
  REQUIRE_THROWS_WITH(read_state(path, ParameterLayout({{"w", {2}}, {"c", {1}}})),
                      start + "it has no tensor 'c' [1]");
  REQUIRE_THROWS_WITH(read_state(path, ParameterLayout({{"w", {3}}, {"b", {1}}})),
                      start + "its tensor 'w' is [2], the network's is [3]");
  // Its average, of three weights, would not fit either; the tensor that is too many must be told all the
  // same.
  RunState plain = state_of(9);
  plain.average = nullptr;
  write_run_state(path, layout(), plain);
  REQUIRE_THROWS_WITH(read_state(path, ParameterLayout({{"w", {2}}})),
                      start + "its tensor 'b' [1] is not in the network");
}

TEST_CASE("a state keeps actions of several components, and one of an earlier version has one") {
  const TemporaryDirectory directory;
  const auto path = directory / "state.safetensors";
  RunState written = state_of(1);
  write_run_state(path, layout(), written);
  Checkpoint earlier = read_safetensors(path);
  for (const char* field : {"checksum", "state_format", "replay_action_width"}) earlier.metadata.erase(field);
  const auto earlier_path = directory / "earlier.safetensors";
  write_safetensors(earlier_path, earlier);
  TrainerPart part({0, 0});
  PolicyAverage no_average;
  read_run_state(earlier_path, layout(), &part, no_average);
  const TransitionBatch read = part.replay[1].newest;
  CHECK(read.actions == std::vector<float>{2, 3, 4, 5});
  CHECK(read.observations == std::vector<float>{2, 3, 4, 5});
  CHECK(read.rewards == std::vector<float>{4, 6, 8, 10});

  ReplayBuffer wide(3, 4, 2, 3);
  const std::vector<float> observation{1, 2}, action{3, -0.25f, 5}, next{6, 7};
  wide.store(1, {observation, action, 8, next, false, true});
  TrainerPart wide_part({7, 8});
  wide_part.replay_buffer = &wide;
  written.trainer = &wide_part;
  write_run_state(path, layout(), written);
  read_run_state(path, layout(), &part, no_average);
  const TransitionBatch row = part.replay[1].newest;
  CHECK(row.observations == observation);
  CHECK(row.actions == action);
  CHECK(row.rewards == std::vector<float>{8});
  CHECK(row.next_observations == next);
  CHECK(row.terminated == std::vector<std::uint8_t>{0});
  CHECK(row.truncated == std::vector<std::uint8_t>{1});
}

TEST_CASE("a state of an earlier version, without a checksum, is read") {
  const TemporaryDirectory directory;
  const auto path = directory / "state.safetensors";
  write_safetensors(path, {layout(),
                           {1, 2, 3},
                           {{"updates", "5"},
                            {"environment_steps", "6"},
                            {"episodes", "7"},
                            {"wall_seconds", "0.5"},
                            {"optimizer_steps", "8"},
                            {"rounds", "9"}}});
  TrainerPart part;
  PolicyAverage no_average = average_of({1, 2, 3}, 1);
  const RunState state = read_run_state(path, layout(), &part, no_average);
  CHECK(no_average.count() == 0);
  CHECK(part.rounds == 9);
  CHECK_FALSE(seconds_between(state.written, machine_time()));
  CHECK(part.replay.empty());
}

TEST_CASE("every flipped bit of a state is noticed") {
  const TemporaryDirectory directory;
  const auto path = directory / "state.safetensors";
  write_run_state(path, layout(), state_of(9));
  const std::string whole = file_text(path);
  const auto put = [&](std::size_t at, char byte) {
    std::fstream(path, std::ios::binary | std::ios::in | std::ios::out)
        .seekp(static_cast<std::streamoff>(at))
        .put(byte);
  };
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const int bit : {static_cast<int>(i % 8), 5}) {
      CAPTURE(i, bit);
      put(i, static_cast<char>(whole[i] ^ (1 << bit)));
      REQUIRE_THROWS_AS(read_state(path), FormatError);
      put(i, whole[i]);
    }
  }
}

TEST_CASE("the newest state that can be read is taken, and why it is not the last is told") {
  const TemporaryDirectory directory;
  const auto path = directory / "state.safetensors";
  write_run_state(path, layout(), state_of(1));
  write_run_state(path, layout(), state_of(2));
  write_run_state(path, layout(), state_of(3));
  REQUIRE(directory.entries() == 2);
  CHECK(newest(path) == 3);
  CHECK(read_newest(path).problem.empty());
  CHECK(previous_state_of(path) == RunDirectory(directory.path()).previous_state());

  const auto size = std::filesystem::file_size(path);
  for (const std::uintmax_t left : {std::uintmax_t{0}, std::uintmax_t{5}, size / 2, size - 1}) {
    cut(path, left);
    const NewestRunState found = read_newest(path);
    CHECK(found.state.totals.updates == 2);
    CHECK(found.file == previous_state_of(path));
    CHECK(found.problem.find(path.string()) != std::string::npos);
  }
  std::filesystem::remove(path);
  CHECK(newest(path) == 2);
  CHECK(read_newest(path).problem.find("No such file") != std::string::npos);

  std::ofstream(path) << "no state";
  cut(previous_state_of(path), 9);
  try {
    newest(path);
    FAIL("two damaged files were read");
  } catch (const FormatError& error) {
    const std::string text = error.what();
    CHECK(text.find("state.safetensors'") != std::string::npos);
    CHECK(text.find("state.previous.safetensors'") != std::string::npos);
  }
}

TEST_CASE("the state of another network is refused although an older one might be of this") {
  const TemporaryDirectory directory;
  const auto path = directory / "state.safetensors";
  write_run_state(path, layout(), state_of(1));
  RunState other;
  other.weights = {1};
  write_run_state(path, ParameterLayout({{"w", {1}}}), other);
  CHECK_THROWS_AS(read_newest(path), LayoutError);
}

TEST_CASE("whichever write of a state fails, the newest one that can be read is whole") {
  int calls = 0;
  {
    const TemporaryDirectory directory;
    const FailingCalls counted(0, 0);
    write_run_state(directory / "state.safetensors", layout(), state_of(1));
    calls = counted.calls();
  }
  REQUIRE(calls > 20);
  for (const int error : {ENOSPC, EIO, EDQUOT, EROFS}) {
    for (int at = 1; at <= calls + 3; ++at) {
      CAPTURE(error, at);
      const TemporaryDirectory directory;
      const auto path = directory / "state.safetensors";
      write_run_state(path, layout(), state_of(1));
      write_run_state(path, layout(), state_of(2));
      bool failed = false;
      {
        const FailingCalls failing(at, error);
        try {
          write_run_state(path, layout(), state_of(3));
        } catch (const IoError&) {
          failed = true;
        }
      }
      if (!failed) REQUIRE(newest(path) == 3);
      REQUIRE(newest(path) >= 2);
      lose(path);
      REQUIRE(newest(path) >= 1);
    }
  }
}

TEST_CASE("a kill at any moment of writing a state leaves one that can be read", "[forks]") {
  for (int at = 1; at <= 45; ++at) {
    CAPTURE(at);
    const TemporaryDirectory directory;
    const auto path = directory / "state.safetensors";
    write_run_state(path, layout(), state_of(1));
    write_run_state(path, layout(), state_of(2));
    ChildProcess child([&] {
      const FailingCalls killed(at, FailingCalls::kDie);
      for (std::uint64_t update = 3; update < 6; ++update) write_run_state(path, layout(), state_of(update));
      return 0;
    });
    REQUIRE(child.wait() == "exit 0");
    REQUIRE(newest(path) >= 2);
    lose(path);
    REQUIRE(newest(path) >= 1);
  }
}

TEST_CASE("what an earlier failure left of a row does not spoil the next one") {
  const TemporaryDirectory directory;
  const auto path = directory / "table.csv";
  CsvFile table(path, {"update", "value"}, {});
  CHECK_FALSE(table.last_number());
  table.append({"1", "a"});
  std::ofstream(path, std::ios::app) << "2,half a r";
  table.append({"3", "b"});
  table.sync();
  CHECK(file_text(path) == "update,value\n1,a\n3,b\n");
  CHECK(table.last_number() == 3);
  CHECK(CsvFile(path, {"update", "value"}, 1).last_number() == 1);
  CHECK_FALSE(CsvFile(path, {"update", "value"}, 0).last_number());
}

TEST_CASE("each start of a Parent has the same run and a new epoch, whatever happened to the last") {
  const TemporaryDirectory directory;
  const auto file = directory / "parent.json";
  const ParentIdentity first = next_identity(file, false);
  CHECK(first.epoch == 0);
  CHECK_FALSE(first.run_id.empty());
  const ParentIdentity second = next_identity(file, true);
  CHECK(second.epoch == 1);
  CHECK(second.run_id == first.run_id);
  CHECK(json_of(file)["epoch"] == 1);

  // No epoch is given out that is not on the disk.
  {
    const FailingCalls failing(1, ENOSPC);
    CHECK_THROWS_AS(next_identity(file, true), IoError);
  }
  CHECK(next_identity(file, true).epoch == 2);
  // A run of a version that knew no epochs.
  CHECK(next_identity(directory / "other.json", true).epoch == 1);

  int warnings = 0;
  set_log_sink([&](LogLevel, std::string_view) { ++warnings; });
  for (const char* text : {"", "{\"run_id\": \"x\"}", "{\"run_id\": \"x\", \"epoch\": -4}",
                           "{\"run_id\": \"x\", \"epoch\": 2097151}", "{\"run_id\": 3, \"epoch\": 4}"}) {
    std::ofstream(file) << text;
    const ParentIdentity after = next_identity(file, true);
    CHECK(after.run_id != first.run_id);
    CHECK(after.run_id != "x");
    CHECK(after.epoch >= 1 << 20);
    CHECK(next_identity(file, true).epoch == after.epoch + 1);
  }
  set_log_sink({});
  CHECK(warnings == 5);
}

namespace {

/// A merge after which the Child has told `now`, of which its Parent had counted `counted` in the session.
ParentUpdate merge_of(const char* name, const Played& counted, const Played& now) {
  ParentUpdate update;
  update.child = name;
  update.since_child_began = now;
  update.since_merge = {now.steps - counted.steps, now.episodes - counted.episodes};
  return update;
}

}  // namespace

TEST_CASE("Children's counts go on over restarts of either side") {
  ChildCounters counters;
  CHECK(counters.text().empty());
  CHECK(counters.add(merge_of("ant", {}, {100, 2})) == Played{100, 2});
  CHECK(counters.add(merge_of("bee", {}, {50, 1})) == Played{50, 1});
  CHECK(counters.add(merge_of("ant", {100, 2}, {250, 5})) == Played{150, 3});

  ChildCounters resumed(counters.text());
  // The same process of the Child goes on in a new session, in which only its steps are known: the Parent's
  // estimate of 4 episodes is wrong.
  CHECK(resumed.add(merge_of("ant", {250, 4}, {300, 6})) == Played{50, 1});
  // Then another process begins at 0, with a round that is longer than all that was told before.
  CHECK(resumed.add(merge_of("ant", {}, {400, 7})) == Played{400, 7});
  CHECK(resumed.add(merge_of("ant", {400, 7}, {420, 7})) == Played{20, 0});
  const auto report = resumed.report();
  CHECK(report["ant"]["updates"] == 5);
  CHECK(report["ant"]["environment_steps"] == 720);
  CHECK(report["ant"]["episodes"] == 13);
  CHECK(report["bee"]["environment_steps"] == 50);
  CHECK_THROWS_AS(ChildCounters("[1"), FormatError);
  CHECK_THROWS_AS(ChildCounters(R"({"ant":[1]})"), FormatError);
}

TEST_CASE("a round that Children have made together counts for each of them") {
  ChildCounters counters;
  ParentUpdate round;
  round.contributions.resize(2);
  round.contributions[0].child = "ant";
  round.contributions[0].since_child_began = round.contributions[0].since_merge = {100, 2};
  round.contributions[1].child = "bee";
  round.contributions[1].since_child_began = round.contributions[1].since_merge = {50, 1};
  CHECK(counters.add(round) == Played{150, 3});
  CHECK(counters.text() == R"({"ant":[1,100,2,100,2,0.0,0.0,0,0],"bee":[1,50,1,50,1,0.0,0.0,0,0]})");
}

TEST_CASE("the counts of Children that version 0.1 wrote are gone on with") {
  ChildCounters counters(R"({"ant":[3,250,5,200,4]})");
  CHECK(counters.add(merge_of("ant", {200, 0}, {260, 6})) == Played{60, 2});
  CHECK(counters.text() == R"({"ant":[4,310,7,260,6,0.0,0.0,0,0]})");
}

TEST_CASE("names without end do not fill the memory") {
  ChildCounters counters;
  for (int i = 0; i < 6000; ++i) {
    ParentUpdate update;
    update.child = "child " + std::to_string(i);
    update.since_merge.episodes = 1;
    counters.add(update);
  }
  CHECK(counters.report().size() == 4097);
}

TEST_CASE("a directory is one process' at a time", "[forks]") {
  const TemporaryDirectory directory;
  const auto file = directory / ".lock";
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  ChildProcess holder([&] {
    const RunLock lock(file, Milliseconds(0));
    if (!RunLock::is_held(file)) return 2;
    if (::write(pipe_ends[1], "x", 1) != 1) return 1;
    ::pause();
    return 0;
  });
  char byte = 0;
  REQUIRE(::read(pipe_ends[0], &byte, 1) == 1);
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
  REQUIRE_THROWS_WITH(
      RunLock(file, Milliseconds(0)),
      Catch::Contains(directory.path().string()) && Catch::Contains("pid " + std::to_string(holder.pid())));
  CHECK(RunLock::is_held(file));
  CHECK(RunDirectory(directory.path()).is_at_work());
  holder.kill(SIGKILL);
  holder.wait();
  CHECK_FALSE(RunLock::is_held(file));
  CHECK_FALSE(RunDirectory(directory.path()).is_at_work());
  REQUIRE_NOTHROW(RunLock(file, Milliseconds(0)));
}

TEST_CASE("a directory is one run's at a time within a process too", "[forks]") {
  const TemporaryDirectory directory;
  const auto file = directory / ".cluster-lock";
  const auto is_held_elsewhere = [&file] {
    return ChildProcess([&file] { return RunLock::is_held(file) ? 1 : 0; }).wait() == "exit 1";
  };
  CHECK_FALSE(RunLock::is_held(file));
  CHECK_FALSE(std::filesystem::exists(file));
  {
    const RunLock lock(file, Milliseconds(0));
    CHECK(RunLock::is_held(file));
    CHECK(RunDirectory(directory.path()).is_at_work());
    CHECK_THROWS_WITH(RunLock(file, Milliseconds(0)),
                      Catch::Contains("another run of this process is at work"));
    // Neither question has let go of it.
    CHECK(is_held_elsewhere());
  }
  CHECK_FALSE(RunLock::is_held(file));
  CHECK_FALSE(is_held_elsewhere());
  CHECK_NOTHROW(RunLock(file, Milliseconds(0)));
}

TEST_CASE("a lock that cannot be opened says what to do") {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / ".lock");
  CHECK_THROWS_WITH(RunLock(directory / ".lock", Milliseconds(0)),
                    Catch::Contains("which keeps other runs out") && Catch::Contains("move it away"));
}

TEST_CASE("advice about a directory that holds a run is advice that works") {
  const TemporaryDirectory directory;
  const RunDirectory run(directory / "run");
  run.create();
  const auto refusal = [&run] {
    try {
      run.check_unused();
    } catch (const ArgumentError& error) {
      return std::string(error.what());
    }
    return std::string("taken");
  };
  RunOptions if_possible;
  if_possible.resume = Resume::kIfPossible;
  SECTION("a policy that no run has left there") {
    std::ofstream(run.final_weights()) << "x";
    CHECK(refusal().find("no run has made it") != std::string::npos);
  }
  SECTION("a whole run") {
    std::ofstream(run.config()) << "{}";
    std::ofstream(run.state()) << "x";
    CHECK(refusal().find("go on with it by resume " + run.path().string()) != std::string::npos);
    CHECK(run.goes_on(if_possible));
  }
  SECTION("a run without its config.json") {
    std::ofstream(run.state()) << "x";
    CHECK(refusal().find("its config.json is gone: put that back") != std::string::npos);
    // A program brings its options itself.
    CHECK(run.goes_on(if_possible));
  }
  SECTION("a run without its state") {
    std::ofstream(run.config()) << "{}";
    std::ofstream(run.final_weights()) << "x";
    CHECK(refusal().find("it has no state.safetensors to go on from, so take another directory") !=
          std::string::npos);
    CHECK_THROWS_AS(run.check_resumable(), ArgumentError);
  }
}

TEST_CASE("a program's name makes one directory below runs, whatever it is") {
  for (const char* name : {"bin/my/robot", "../robot", "/", "two\nlines", ""}) {
    CAPTURE(name);
    const std::filesystem::path path = default_run_directory(name);
    CHECK(path.parent_path() == "runs");
    CHECK(path.filename().string().find('\n') == std::string::npos);
    CHECK(path.lexically_normal() == path);
  }
  CHECK(default_run_directory("cart_pole").find("runs/cart_pole-") == 0);
}

TEST_CASE("a run whose states were removed is not begun again over what it left") {
  const TemporaryDirectory directory;
  const RunDirectory run(directory / "run");
  run.create();
  CHECK_THROWS_AS(run.check_resumable(), ArgumentError);
  std::ofstream(run.config()) << "{}";
  CHECK_NOTHROW(run.check_resumable());  // killed before its first state
  std::ofstream(run.checkpoint(100)) << "weights";
  CHECK_THROWS_WITH(run.check_resumable(), Catch::Contains("removed"));
  std::ofstream(run.previous_state()) << "a state";
  CHECK_NOTHROW(run.check_resumable());
}

TEST_CASE("a state that may not be read is no damaged one") {
  const TemporaryDirectory directory;
  std::filesystem::permissions(directory.path(), std::filesystem::perms::others_exec,
                               std::filesystem::perm_options::add);
  const auto path = directory / "state.safetensors";
  write_run_state(path, layout(), state_of(1));
  write_run_state(path, layout(), state_of(2));
  std::filesystem::permissions(path, std::filesystem::perms::none);
  const bool is_root = ::geteuid() == 0;
  constexpr uid_t kNobody = 65534;
  if (is_root) REQUIRE(::seteuid(kNobody) == 0);
  std::string refusal;
  try {
    PolicyAverage no_average;
    read_newest_run_state(path, layout(), nullptr, no_average);
  } catch (const IoError& error) {
    refusal = error.what();
  } catch (const Error& error) {
    refusal = "another: " + std::string(error.what());
  }
  if (is_root) REQUIRE(::seteuid(0) == 0);
  CHECK(refusal.find(path.string() + ": this process may not read the file") == 0);
}
