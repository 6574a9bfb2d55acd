// State by contribution: what a StateWriter collects, a StateReader reads, bit for bit, or refuses.
#include "genkidama/params/saveable.h"

#include <cmath>
#include <limits>
#include <memory>

#include "genkidama/core/error.h"
#include "genkidama/params/policy_average.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

const ParameterLayout& network() {
  static const ParameterLayout layout({{"w", {2}}, {"genkidama.own", {1}}});
  return layout;
}

/// Has a field of each type.
class Part : public Saveable {
 public:
  std::vector<float> floats;
  std::uint64_t count = 0;
  std::vector<std::uint64_t> counts;
  double number = 0;
  std::vector<double> numbers;
  std::string name;

  void save(StateWriter& state) const override {
    state.floats("floats", floats);
    state.u64("count", count);
    state.u64s("counts", counts);
    state.f64("number", number);
    state.f64s("numbers", numbers);
    state.text("name", name);
  }
  void restore(const StateReader& state) override {
    const auto values = state.floats("floats").values;
    floats.assign(values.begin(), values.end());
    count = state.u64("count");
    counts = state.u64s("counts");
    number = state.f64("number");
    numbers = state.f64s("numbers");
    name = state.text("name");
  }
};

Part part() {
  Part result;
  result.floats = {1, -0.0F, 1e-45F, 3.4e38F};
  result.count = std::numeric_limits<std::uint64_t>::max();
  result.counts = {0, 7, result.count};
  result.number = 1.0 / 3;
  result.numbers = {-0.0, 5e-324, 1.7976931348623157e308, 0.1};
  result.name = "a, name\n with \"quotes\" and ümlauts";
  return result;
}

void check_equal(const Part& a, const Part& b) {
  CHECK(a.floats == b.floats);
  CHECK(a.count == b.count);
  CHECK(a.counts == b.counts);
  CHECK(a.number == b.number);
  CHECK(a.numbers == b.numbers);
  CHECK(a.name == b.name);
}

Checkpoint with(const std::map<std::string, std::string>& metadata) {
  return {{}, {}, metadata};
}

}  // namespace

TEST_CASE("fields of each type come back bit for bit, through a file and in memory") {
  const Part written = part();
  StateWriter writer(network(), std::vector<float>{1, 2, 3});
  written.save(writer);
  const TemporaryDirectory directory;
  write_safetensors(directory / "file", writer.take());
  const Checkpoint file = read_safetensors(directory / "file");
  CHECK(file.layout.tensors()[0].name == "w");
  CHECK(file.layout.tensors()[2].name == "genkidama.floats");
  CHECK(file.weights[1] == 2);
  Part read;
  const StateReader reader(file, "file", network());
  read.restore(reader);
  check_equal(read, written);
  CHECK(std::signbit(read.floats[1]));
  CHECK(std::signbit(read.numbers[0]));
  CHECK_NOTHROW(reader.check_all_floats_read());
  CHECK(writer.take().weights.empty());  // the first take() has emptied it

  const SavedState saved(written);
  Part again;
  again.restore(saved.reader());
  check_equal(again, written);
  // A saved state is a part itself, and keeps what a reader has whoever wrote it.
  StateWriter other;
  saved.save(other);
  const Checkpoint copied = other.take();
  SavedState copy;
  copy.restore(StateReader(file, "file", network()));
  for (const StateReader& from : {StateReader(copied, "copy"), copy.reader()}) {
    Part last;
    last.restore(from);
    check_equal(last, written);
    CHECK_FALSE(from.has("own"));
  }
  CHECK_FALSE(SavedState().reader().has("count"));
}

TEST_CASE("floats have their shape, may be filled in later, and there are none without elements") {
  StateWriter writer;
  const auto rows = writer.floats("rows", {2, 3});
  REQUIRE(rows.size() == 6);
  CHECK(rows[5] == 0);
  rows[5] = 4;
  CHECK(writer.floats("none", {0, 3}).empty());
  writer.floats("nothing", std::vector<float>{});
  writer.u64s("no numbers", {});
  writer.f64s("no numbers", {});
  const Checkpoint state = writer.take();
  const StateReader reader(state, "state");
  CHECK(reader.floats("rows").shape == std::vector<std::int64_t>{2, 3});
  CHECK(reader.floats("rows").values[5] == 4);
  CHECK_FALSE(reader.has("none"));
  CHECK_FALSE(reader.has("nothing"));
  CHECK_FALSE(reader.has("no numbers"));
  CHECK(reader.floats("none", 0).empty());
  CHECK(reader.floats("none").shape.empty());
}

TEST_CASE("floats that are referred to are those of their owner until the state is taken, and then its own") {
  std::vector<float> weights = {1, 2, 3}, rows = {4, 5, 6, 7};
  StateWriter writer = StateWriter::referring_to(network(), weights);
  writer.refer_to("rows", {2, 2}, rows);
  writer.refer_to("none", {0, 2}, {});
  const auto values = writer.values();
  REQUIRE(values.size() == writer.layout().tensors().size());
  CHECK(values.front().data() == weights.data());
  CHECK(values.back().data() == rows.data());
  rows[3] = 8;
  const Checkpoint state = writer.take();
  weights[0] = rows[0] = 9;
  CHECK(state.weights == std::vector<float>{1, 2, 3, 4, 5, 6, 8});
  CHECK(StateReader(state, "state").floats("rows").shape == std::vector<std::int64_t>{2, 2});
  CHECK_THROWS_WITH(writer.refer_to("rows", {2, 3}, rows), Contains("'rows' [2, 3] is given 4 values"));
  CHECK_THROWS_AS(StateWriter::referring_to(network(), rows), ArgumentError);

  // A state in memory has floats of its own, also after it was copied.
  PolicyAverage average({.kind = PolicyAverageKind::kEma, .decay = 0});
  average.add(std::vector<float>{1, 2});
  auto saved = std::make_unique<SavedState>(average);
  const SavedState copy = *saved;
  saved.reset();
  average.add(std::vector<float>{3, 4});
  const auto kept = copy.reader().floats("policy_average", 2);
  CHECK(std::vector<float>(kept.begin(), kept.end()) == std::vector<float>{1, 2});
}

TEST_CASE("floats of another number are of another network, and the text has both numbers") {
  StateWriter writer;
  writer.floats("optimizer_state", std::vector<float>{1, 2, 3});
  const Checkpoint state = writer.take();
  const StateReader reader(state, "'state'");
  CHECK(reader.floats("optimizer_state", 3).size() == 3);
  for (const std::size_t count : {0U, 2U, 4U}) {
    REQUIRE_THROWS_AS(reader.floats("optimizer_state", count), LayoutError);
    REQUIRE_THROWS_WITH(reader.floats("optimizer_state", count),
                        Contains("'state'") && Contains("'optimizer_state' has 3 values") &&
                            Contains(std::to_string(count) + " are expected"));
  }
  REQUIRE_THROWS_AS(reader.floats("other", 1), LayoutError);
}

TEST_CASE("floats that nobody goes on from are refused by name; metadata is tolerated") {
  StateWriter writer(network(), std::vector<float>{1, 2, 3});
  writer.floats("known", std::vector<float>{1});
  writer.floats("unknown", std::vector<float>{1, 2});
  writer.text("a field of a later version", "x");
  const Checkpoint state = writer.take();
  const StateReader reader(state, "state", network());
  reader.floats("known");
  REQUIRE_THROWS_AS(reader.check_all_floats_read(), LayoutError);
  REQUIRE_THROWS_WITH(reader.check_all_floats_read(), Contains("'unknown' [2]"));
  reader.floats("unknown", 2);
  REQUIRE_NOTHROW(reader.check_all_floats_read());
}

TEST_CASE("what is not wholly a number is refused by name, and what is missing only where it is needed") {
  for (const char* text : {"", " 1", "1 ", "1x", "-1", "18446744073709551616", "1.5", "0x1", "+1"}) {
    CAPTURE(text);
    const Checkpoint state = with({{"n", text}});
    REQUIRE_THROWS_AS(StateReader(state, "s").u64("n"), FormatError);
    REQUIRE_THROWS_WITH(StateReader(state, "s").u64_or("n", 1), Contains("s: ") && Contains("'n'"));
  }
  for (const char* text : {"", " 1", "1.5x", "nan", "inf", "-inf", "1e999", "1,5"}) {
    CAPTURE(text);
    const Checkpoint state = with({{"n", text}});
    REQUIRE_THROWS_AS(StateReader(state, "s").f64("n"), FormatError);
    REQUIRE_THROWS_AS(StateReader(state, "s").f64_or("n", 1), FormatError);
  }
  for (const char* text : {",", "1,", ",1", "1,,2", "1;2", "1,nan", "1, 2"}) {
    CAPTURE(text);
    const Checkpoint state = with({{"n", text}});
    REQUIRE_THROWS_AS(StateReader(state, "s").u64s("n"), FormatError);
    REQUIRE_THROWS_AS(StateReader(state, "s").f64s("n"), FormatError);
  }
  const Checkpoint empty;
  const StateReader reader(empty, "s");
  CHECK_THROWS_AS(reader.u64("n"), FormatError);
  CHECK_THROWS_AS(reader.f64("n"), FormatError);
  CHECK(reader.u64_or("n", 3) == 3);
  CHECK(reader.f64_or("n", 0.5) == 0.5);
  CHECK(reader.u64s("n").empty());
  CHECK(reader.f64s("n").empty());
  CHECK(reader.text("n").empty());
  CHECK(reader.floats("n", 0).empty());
}

TEST_CASE("a state that could not be read again is not written") {
  StateWriter writer;
  writer.u64("count", 1);
  CHECK_THROWS_WITH(writer.text("count", "x"), Contains("'count'"));
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH(writer.f64("number", infinity), Contains("'number'"));
  CHECK_THROWS_AS(writer.f64s("numbers", std::vector<double>{1, std::nan("")}), ArgumentError);
  writer.floats("floats", std::vector<float>{1});
  writer.floats("floats", std::vector<float>{1});
  CHECK_THROWS_AS(writer.take(), ArgumentError);
  CHECK_THROWS_AS(StateWriter(network(), std::vector<float>{1}), ArgumentError);
}
