// Event files for TensorBoard as bytes: what is written, what a run that goes on keeps, and a full disk.
// Another test reads them with Protocol Buffers.
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "genkidama/core/log.h"
#include "run/metrics/event_file.h"
#include "run/metrics/event_messages.h"
#include "run/metrics/tensorboard_log.h"
#include "support/catch.h"
#include "support/run_program.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

std::string event_at(std::uint64_t step) {
  return scalars_event(1.5, step, std::vector<Scalar>{{"a/b", 2}});
}

/// A file with an event of each step; its path.
std::filesystem::path write_events(const std::filesystem::path& directory,
                                   const std::vector<std::uint64_t>& steps) {
  EventFile file(directory, {});
  for (const std::uint64_t step : steps) file.append(event_at(step));
  return file.path();
}

std::string records(const std::vector<std::uint64_t>& steps) {
  std::string text;
  for (const std::uint64_t step : steps) text += event_record(event_at(step));
  return text;
}

bool ends_with(const std::filesystem::path& file, const std::string& text) {
  return file_text(file).ends_with(text);
}

}  // namespace

TEST_CASE("an event's record has the checksums that TFRecord wants") {
  // The CRC-32C of "123456789" is 0xe3069283, its masked form follows from TFRecord's definition.
  const std::uint32_t sum = 0xe3069283U;
  const std::uint32_t masked = (sum >> 15 | sum << 17) + 0xa282ead8U;
  const std::string record = event_record("123456789");
  REQUIRE(record.size() == 12 + 9 + 4);
  CHECK(record.substr(0, 8) == std::string("\x09\0\0\0\0\0\0\0", 8));
  CHECK(record.substr(12, 9) == "123456789");
  for (unsigned i = 0; i < 4; ++i)
    CHECK(static_cast<unsigned char>(record[21 + i]) == (masked >> (8 * i) & 0xff));
}

TEST_CASE("the step of an event is read back, and that of other bytes is not") {
  for (const std::uint64_t step : {0ULL, 1ULL, 127ULL, 128ULL, 300'000'000'000ULL})
    CHECK(step_of_event(event_at(step)) == step);
  CHECK(step_of_event(version_event(7)) == 0);
  CHECK_FALSE(step_of_event(""));
  CHECK_FALSE(step_of_event("no event, but long enough"));
  CHECK_FALSE(step_of_event(event_at(1).substr(0, 9) + "\x10" + std::string(20, '\xff')));
}

TEST_CASE("a run that goes on keeps the events up to its step and begins another file") {
  const TemporaryDirectory directory;
  const auto first = write_events(directory.path(), {10, 20, 30});
  const std::string before = file_text(first);
  const EventFile second(directory.path(), 20);
  CHECK(file_text(first) == before.substr(0, before.size() - event_record(event_at(30)).size()));
  // TensorBoard reads the files in the order of their names.
  CHECK(second.path() > first);
  CHECK(event_files(directory.path()) == std::vector<std::filesystem::path>{first, second.path()});

  SECTION("what a kill or a damaged disk has left of an event is cut off") {
    const std::string whole = file_text(first);
    for (const std::string& rest : {std::string("x"), records({20}).substr(0, 14), std::string(40, '\0'),
                                    std::string(40, '\xff'), records({20}).replace(15, 1, "!")}) {
      std::ofstream(first, std::ios::binary) << whole << rest << records({20});
      const EventFile third(directory.path(), 20);
      CHECK(file_text(first) == whole);
    }
  }
  SECTION("files of others stay as they are") {
    const auto other = directory / "events.out.tfevents.0000000001.host.1.0";
    std::ofstream(other) << "whatever";
    const EventFile third(directory.path(), 0);
    CHECK(file_text(other) == "whatever");
  }
}

TEST_CASE("a full disk leaves whole events and is told once") {
  const TemporaryDirectory directory;
  int messages = 0;
  set_log_sink([&](LogLevel, std::string_view) { ++messages; });
  EventFile file(directory.path(), {});
  file.append(event_at(1));

  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit{};
  getrlimit(RLIMIT_FSIZE, &old_limit);
  rlimit limit = old_limit;
  limit.rlim_cur = std::filesystem::file_size(file.path()) + 10;
  setrlimit(RLIMIT_FSIZE, &limit);
  const bool written = file.append(event_at(2)) || file.append(event_at(3));
  setrlimit(RLIMIT_FSIZE, &old_limit);
  std::signal(SIGXFSZ, old_handler);

  CHECK_FALSE(written);
  CHECK(file.append(event_at(4)));
  set_log_sink({});
  CHECK(ends_with(file.path(), records({1, 4})));
  CHECK(messages == 1);
}

TEST_CASE("columns have the names of others only where they mean the same") {
  CHECK(tag_of_column("policy_loss", "ppo").tag == "train/policy_gradient_loss");
  CHECK(tag_of_column("policy_loss", "a3c").tag == "train/policy_loss");
  CHECK(tag_of_column("policy_loss", "sac").tag == "train/actor_loss");
  CHECK(tag_of_column("value_loss", "dqn").tag == "train/loss");
  CHECK(tag_of_column("value_loss", "own").tag == "train/value_loss");
  CHECK(tag_of_column("entropy", "ppo").tag == "train/entropy_loss");
  CHECK(tag_of_column("entropy", "ppo").factor == -1);
  CHECK(tag_of_column("staleness", "ppo").tag == "genkidama/staleness");
  CHECK(tag_of_column("child", "ppo").tag.empty());
}
