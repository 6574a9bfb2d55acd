#include "genkidama/rl/demonstrations.h"

#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/params/safetensors.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

using Path = std::filesystem::path;

/// Two episodes of three steps, with a choice among 3 that has masks and a component in [-1, 2].
Demonstrations recording() {
  Demonstrations all;
  all.environment = "Task";
  all.observation_shape = {2, 2};
  all.action_space = {{3}, {-1}, {2}};
  all.recorder = "a test";
  all.lengths = {2, 1};
  all.terminated = {1, 0};
  all.seeds = {7, std::numeric_limits<std::uint64_t>::max()};
  all.rewards = {1, -2.5f, 3};
  for (int i = 0; i < 12; ++i) all.observations.push_back(0.25f * static_cast<float>(i));
  all.actions = {0, 0.5f, 2, -1, 1, 2};
  all.masks = {1, 0, 1, 0, 0, 1, 1, 1, 1};
  return all;
}

EnvironmentSpec task() {
  EnvironmentSpec spec;
  spec.name = "Task";
  spec.observation_shape = {2, 2};
  spec.action_space = {{3}, {-1}, {2}};
  spec.masks_actions = true;
  spec.time_limit = 10;
  return spec;
}

std::string error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// What the reader says about the file of recording() after `change`, which its checksum does not cover.
std::string refusal(const Path& path, const std::function<void(Checkpoint&)>& change) {
  write_demonstrations(path, recording());
  Checkpoint file = read_safetensors(path);
  file.metadata.erase("checksum");
  change(file);
  write_safetensors(path, file);
  return error_of([&] { read_demonstrations(path); });
}

float& element(Checkpoint& file, const std::string& tensor, std::size_t index) {
  for (const TensorInfo& each : file.layout.tensors()) {
    if (each.name == tensor) return file.weights[each.offset + index];
  }
  FAIL("there is no tensor " << tensor);
  return file.weights[0];
}

/// The same tensors, but for the shape of one of them.
void reshape(Checkpoint& file, const std::string& name, const std::vector<std::int64_t>& shape) {
  std::vector<ParameterLayout::Tensor> tensors;
  for (const TensorInfo& each : file.layout.tensors())
    tensors.push_back({each.name, each.name == name ? shape : each.shape});
  file.layout = ParameterLayout(tensors);
  file.weights.resize(file.layout.size());
}

}  // namespace

TEST_CASE("demonstrations are read as they were written", "[demonstrations]") {
  const TemporaryDirectory directory;
  const Path path = directory.path() / "landings.safetensors";
  const Demonstrations written = recording();
  write_demonstrations(path, written);
  const Demonstrations read = read_demonstrations(path);
  CHECK(read.environment == written.environment);
  CHECK(read.observation_shape == written.observation_shape);
  CHECK(read.action_space == written.action_space);
  CHECK(read.recorder == written.recorder);
  CHECK(read.observations == written.observations);
  CHECK(read.actions == written.actions);
  CHECK(read.rewards == written.rewards);
  CHECK(read.masks == written.masks);
  CHECK(read.lengths == written.lengths);
  CHECK(read.terminated == written.terminated);
  CHECK(read.seeds == written.seeds);
  CHECK(read.hash() == written.hash());
  CHECK(read.episode_return(0) == -1.5);
  CHECK(read.episode_return(1) == 3);
  Demonstrations other = written;
  other.rewards[1] = -2;
  CHECK(other.hash() != written.hash());
}

TEST_CASE("another program's file needs no checksum, seeds or recorder", "[demonstrations]") {
  const TemporaryDirectory directory;
  const Path path = directory.path() / "landings.safetensors";
  const std::string problem = refusal(path, [](Checkpoint& file) {
    file.metadata.erase("recorder");
    file.metadata.erase("seeds");
  });
  CHECK(problem.empty());
  CHECK(read_demonstrations(path).seeds.empty());
}

TEST_CASE("what is wrong in a file of demonstrations is named with its place", "[demonstrations]") {
  const TemporaryDirectory directory;
  const Path path = directory.path() / "landings.safetensors";
  const auto told = [&](const std::function<void(Checkpoint&)>& change) {
    const std::string text = refusal(path, change);
    CHECK(text.find("'" + path.string() + "' ") == 0);
    return text;
  };
  CHECK_THAT(told([](Checkpoint& file) { element(file, "actions", 2) = 3; }),
             Contains("step 1 of episode 0 given 3 as choice 0 of its action, expected 0 to 2"));
  CHECK_THAT(told([](Checkpoint& file) { element(file, "actions", 4) = 0.5f; }),
             Contains("step 0 of episode 1 given 0.5 as choice 0"));
  CHECK_THAT(told([](Checkpoint& file) { element(file, "actions", 1) = 2.5f; }),
             Contains("step 0 of episode 0 given 2.5 as component 0 of its action, expected -1 to 2"));
  CHECK_THAT(told([](Checkpoint& file) { element(file, "actions", 0) = 1; }),
             Contains("step 0 of episode 0 has 1 as choice 0 of its action, which its mask forbids"));
  CHECK_THAT(told([](Checkpoint& file) { element(file, "masks", 5) = 0; }),
             Contains("step 1 of episode 0: the action mask forbids all 3 alternatives"));
  CHECK_THAT(told([](Checkpoint& file) { element(file, "masks", 3) = 2; }),
             Contains("element 3 of tensor 'masks' is 2, expected a whole number from 0 to 1"));
  CHECK_THAT(told([](Checkpoint& file) { element(file, "episode_lengths", 0) = 1.5f; }),
             Contains("element 0 of tensor 'episode_lengths' is 1.5"));
  CHECK_THAT(told([](Checkpoint& file) { element(file, "episode_lengths", 1) = 0; }),
             Contains("episode 1 has 0 steps"));
  CHECK_THAT(told([](Checkpoint& file) { element(file, "episode_lengths", 1) = 2; }),
             Contains("its 2 episodes have 4 steps together, and there are rewards of 3"));
  CHECK_THAT(told([](Checkpoint& file) { element(file, "episode_terminated", 1) = -1; }),
             Contains("element 1 of tensor 'episode_terminated' is -1"));
  CHECK_THAT(told([](Checkpoint& file) {
               reshape(file, "observations", {3, 4});
             }),
             Contains("tensor 'observations' has the shape [3, 4], expected [3, 2, 2]"));
  CHECK_THAT(told([](Checkpoint& file) {
               reshape(file, "actions", {3, 1});
             }),
             Contains("tensor 'actions' has the shape [3, 1], expected [3, 2]"));
  CHECK_THAT(told([](Checkpoint& file) {
               reshape(file, "rewards", {1, 3});
             }),
             Contains("tensor 'rewards' has the shape [1, 3], expected one dimension"));
  CHECK_THAT(told([](Checkpoint& file) { file.metadata["format"] = "demonstrations 2"; }),
             Contains("'format' is 'demonstrations 2', expected 'demonstrations 1'"));
  CHECK_THAT(told([](Checkpoint& file) { file.metadata["observation_shape"] = "2 x"; }),
             Contains("'observation_shape' is '2 x'"));
  CHECK_THAT(told([](Checkpoint& file) { file.metadata["action_high"] = "-3"; }),
             Contains("bounds -1 and -3"));
  CHECK_THAT(told([](Checkpoint& file) { file.metadata["seeds"] = "1 2 3"; }),
             Contains("seeds has 3 numbers, expected 2"));
  CHECK_THAT(told([](Checkpoint& file) { file.metadata.erase("environment"); }),
             Contains("the environment has no name"));
  CHECK_THAT(told([](Checkpoint& file) {
               file.layout = ParameterLayout({{"observations", {3, 2, 2}}});
               file.weights.resize(12);
             }),
             Contains("it has no tensor 'rewards'"));
  CHECK_THAT(told([](Checkpoint& file) {
               file.layout = ParameterLayout({{"pi1.weight", {3}}});
               file.weights.resize(3);
             }),
             Contains("it has a tensor 'pi1.weight', which demonstrations have not"));
}

TEST_CASE("a damaged file of demonstrations is refused", "[demonstrations]") {
  const TemporaryDirectory directory;
  const Path path = directory.path() / "landings.safetensors";
  write_demonstrations(path, recording());
  const auto size = std::filesystem::file_size(path);
  const auto change_byte = [&](std::uintmax_t at, char byte) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte);
  };
  const auto told = [&] { return error_of([&] { read_demonstrations(path); }); };
  SECTION("one byte of its data is another one") {
    // The lowest byte of a reward: still a number.
    change_byte(size - 4 * (3 + 9 + 2 + 2), 1);
    CHECK_THAT(told(), Contains(path.string()) && Contains("its checksum is not that of its content"));
  }
  SECTION("a number is no number") {
    change_byte(size - 1, static_cast<char>(0x7f));
    change_byte(size - 2, static_cast<char>(0xc0));
    CHECK_THAT(told(), Contains(path.string()) && Contains("episode_terminated") && Contains("nan"));
  }
  SECTION("it is cut off anywhere") {
    for (std::uintmax_t left :
         {size - 1, size / 2, std::uintmax_t{9}, std::uintmax_t{3}, std::uintmax_t{0}}) {
      std::filesystem::resize_file(path, left);
      CHECK_THAT(told(), Contains(path.string()));
    }
  }
  SECTION("it is not there") {
    std::filesystem::remove(path);
    CHECK_THAT(told(), Contains("cannot read '" + path.string() + "'"));
  }
  SECTION("it is too large to be one") {
    std::filesystem::resize_file(path, kMostDemonstrationBytes + (std::uint64_t{1} << 26));
    CHECK_THAT(told(), Contains("demonstrations have at most 1073741824"));
  }
}

TEST_CASE("demonstrations that are not sound are not written", "[demonstrations]") {
  const TemporaryDirectory directory;
  const Path path = directory.path() / "landings.safetensors";
  write_demonstrations(path, recording());
  Demonstrations bad = recording();
  bad.observations[9] = std::numeric_limits<float>::quiet_NaN();
  const std::string text = error_of([&] { write_demonstrations(path, bad); });
  CHECK_THAT(text, Contains("step 0 of episode 1 has nan in observations, expected a finite number"));
  // The old one is still there.
  CHECK(read_demonstrations(path).hash() == recording().hash());
  bad = recording();
  bad.lengths.clear();
  CHECK_THAT(error_of([&] { write_demonstrations(path, bad); }), Contains("there are 0 episodes"));
}

TEST_CASE("demonstrations of another task are refused by name, observations, actions and masks",
          "[demonstrations]") {
  const auto told = [](const std::function<void(EnvironmentSpec&)>& change) {
    EnvironmentSpec spec = task();
    change(spec);
    return error_of([&] { check_demonstrated_task("'x'", recording(), spec); });
  };
  CHECK(told([](EnvironmentSpec&) {}).empty());
  CHECK_THAT(told([](EnvironmentSpec& spec) { spec.name = "Other"; }),
             Contains("'x' was recorded in 'Task', and this environment is 'Other'"));
  CHECK_THAT(told([](EnvironmentSpec& spec) { spec.observation_shape = {4}; }),
             Contains("an observation is [2, 2] there, and it is [4] in 'Task' here"));
  CHECK_THAT(told([](EnvironmentSpec& spec) { spec.action_space.high[0] = 1; }),
             Contains("choices among [3] and a number in [-1, 2] there"));
  CHECK_THAT(told([](EnvironmentSpec& spec) { spec.masks_actions = false; }),
             Contains("actions are masked there"));
}

namespace {

/// Pays its number of steps; fails at step `lost_at` of each episode.
class Failing : public DiscreteEnvironment {
 public:
  explicit Failing(int lost_at) : lost_at_(lost_at) {}
  const EnvironmentSpec& spec() const override { return spec_; }
  Observation reset(std::uint64_t seed) override {
    seen_ = static_cast<float>(seed);
    steps_ = 0;
    return {&seen_, 1};
  }
  StepResult step(int) override {
    ++steps_;
    seen_ += 1;
    StepResult result{.observation = {&seen_, 1}, .reward = static_cast<float>(steps_)};
    result.terminated = steps_ == 3;
    result.lost = steps_ == lost_at_;
    return result;
  }

 private:
  EnvironmentSpec spec_{"Failing", 1, 2, 5};
  int lost_at_;
  int steps_ = 0;
  float seen_ = 0;
};

void play(DemonstrationRecorder& recorder, std::uint64_t seed, int steps) {
  recorder.reset(seed);
  for (int t = 0; t < steps; ++t) recorder.step(t % 2);
}

}  // namespace

TEST_CASE("a recorder keeps whole episodes, with what was seen before each step", "[demonstrations]") {
  DemonstrationRecorder recorder(std::make_unique<Failing>(0), "me");
  play(recorder, 10, 2);
  CHECK(recorder.demonstrations().episodes() == 0);
  CHECK(recorder.demonstrations().steps() == 0);
  play(recorder, 20, 3);
  play(recorder, 30, 3);
  play(recorder, 40, 1);
  const Demonstrations& all = recorder.demonstrations();
  CHECK(all.environment == "Failing");
  CHECK(all.recorder == "me");
  CHECK(all.lengths == std::vector<std::size_t>{3, 3});
  CHECK(all.terminated == std::vector<std::uint8_t>{1, 1});
  CHECK(all.seeds == std::vector<std::uint64_t>{20, 30});
  CHECK(all.observations == std::vector<float>{20, 21, 22, 30, 31, 32});
  CHECK(all.actions == std::vector<float>{0, 1, 0, 0, 1, 0});
  CHECK(all.rewards == std::vector<float>{1, 2, 3, 1, 2, 3});
  CHECK(recorder.episode_return() == 1);
  CHECK_NOTHROW(check_demonstrations("x", all));
}

TEST_CASE("a recorder forgets an episode that was lost", "[demonstrations]") {
  DemonstrationRecorder recorder(std::make_unique<Failing>(2), "me");
  play(recorder, 10, 2);
  CHECK(recorder.demonstrations().episodes() == 0);
  CHECK_THROWS_AS(recorder.step(0), ArgumentError);
}

TEST_CASE("what a recorder plays is what the environment plays", "[demonstrations]") {
  DemonstrationRecorder recorder(make_cart_pole(), "me");
  const auto alone = make_cart_pole();
  const Observation a = recorder.reset(3), b = alone->reset(3);
  CHECK(std::vector<float>(a.begin(), a.end()) == std::vector<float>(b.begin(), b.end()));
  StepResult recorded, played;
  do {
    recorded = recorder.step(1);
    played = alone->step(1);
    CHECK(recorded.observation[2] == played.observation[2]);
  } while (!recorded.terminated && !played.terminated);
  CHECK(recorded.terminated == played.terminated);
  CHECK_THROWS_AS(recorder.step(2), ArgumentError);
}
