#include "genkidama/params/safetensors.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "support/catch.h"
#include "support/child_process.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;
using Tensors = std::vector<ParameterLayout::Tensor>;
using Catch::Contains;

namespace {

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Checkpoint example() {
  return {ParameterLayout(Tensors{{"a", {2, 2}}, {"b", {}}}), {1, -2, 0.5f, -0.0f, 3}, {{"update", "7"}}};
}

}  // namespace

TEST_CASE("a checkpoint is read as it was written") {
  const TemporaryDirectory directory;
  Random random(5);
  for (int trial = 0; trial < 30; ++trial) {
    Tensors tensors;
    for (std::uint64_t i = random.below(6); i > 0; --i) {
      ParameterLayout::Tensor tensor{"layer" + std::to_string(i) + ".\"weight\\", {}};
      for (std::uint64_t d = random.below(4); d > 0; --d) {
        tensor.shape.push_back(static_cast<std::int64_t>(1 + random.below(9)));
      }
      tensors.push_back(tensor);
    }
    Checkpoint written;
    written.layout = ParameterLayout(tensors);
    for (std::size_t i = 0; i < written.layout.size(); ++i) {
      written.weights.push_back(static_cast<float>(random.uniform(-1e3, 1e3)));
    }
    for (std::uint64_t i = random.below(3); i > 0; --i) {
      written.metadata["key \"" + std::to_string(i) + "\" \xc3\xa9"] =
          std::string("line\n\0\\", 7) + "\xe2\x82\xac";
    }
    write_safetensors(directory / "x.safetensors", written);
    const Checkpoint read = read_safetensors(directory / "x.safetensors");
    REQUIRE_FALSE(read.layout.difference(written.layout));
    REQUIRE(read.weights == written.weights);
    REQUIRE(read.metadata == written.metadata);
    REQUIRE(directory.entries() == 1);
  }
}

TEST_CASE("the bytes of a checkpoint are those of the format") {
  const TemporaryDirectory directory;
  write_safetensors(directory / "x", example());
  const std::string header =
      R"({"__metadata__":{"update":"7"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},)"
      R"("b":{"dtype":"F32","shape":[],"data_offsets":[16,20]}})";
  REQUIRE(header.size() == 141);
  const std::string expected = std::string("\x90\0\0\0\0\0\0\0", 8) + header + "   " +
                               std::string("\0\0\x80\x3f\0\0\0\xc0\0\0\0\x3f\0\0\0\x80\0\0\x40\x40", 20);
  REQUIRE(content(directory / "x") == expected);
}

TEST_CASE("the data is aligned to eight bytes whatever the names are") {
  const TemporaryDirectory directory;
  for (std::size_t length = 1; length <= 16; ++length) {
    write_safetensors(directory / "x", {ParameterLayout(Tensors{{std::string(length, 'n'), {1}}}), {1}, {}});
    REQUIRE(content(directory / "x").size() % 8 == sizeof(float));
  }
}

TEST_CASE("a failed write keeps the old checkpoint and leaves no other file") {
  const TemporaryDirectory directory;
  write_safetensors(directory / "x", example());
  ChildProcess child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{5000, 5000};  // the header still fits
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    try {
      write_safetensors(directory / "x",
                        {ParameterLayout(Tensors{{"big", {10000}}}), std::vector<float>(10000), {}});
    } catch (const IoError&) {
      return 0;
    }
    return 2;
  });
  REQUIRE(child.wait() == "exit 0");
  REQUIRE(read_safetensors(directory / "x").weights == example().weights);
  REQUIRE(directory.entries() == 1);
  REQUIRE_THROWS_AS(write_safetensors(directory / "no/where", example()), IoError);
}

TEST_CASE("what could not be read back is not written") {
  const TemporaryDirectory directory;
  Checkpoint bad = example();
  bad.weights.pop_back();
  REQUIRE_THROWS_AS(write_safetensors(directory / "x", bad), ArgumentError);
  for (const float value : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    bad = example();
    bad.weights[4] = value;
    REQUIRE_THROWS_AS(write_safetensors(directory / "x", bad), ArgumentError);
    REQUIRE_THROWS_WITH(write_safetensors(directory / "x", bad), Contains("'b', element 0"));
  }
  bad = example();
  bad.metadata["text"] = "\xff";
  REQUIRE_THROWS_AS(write_safetensors(directory / "x", bad), ArgumentError);
  bad.metadata["text"] = std::string(std::size_t{17} << 20, 'x');
  REQUIRE_THROWS_AS(write_safetensors(directory / "x", bad), ArgumentError);
  bad = {ParameterLayout(Tensors{{"__metadata__", {1}}}), {1}, {}};
  REQUIRE_THROWS_AS(write_safetensors(directory / "x", bad), ArgumentError);
  REQUIRE(directory.entries() == 0);
}

TEST_CASE("tensors are matched by name when a network is given") {
  const TemporaryDirectory directory;
  write_safetensors(directory / "x", example());
  const ParameterLayout other_order(Tensors{{"b", {}}, {"a", {2, 2}}});
  const Checkpoint read = read_safetensors(directory / "x", other_order);
  REQUIRE(read.layout == other_order);
  REQUIRE(read.weights == std::vector<float>{3, 1, -2, 0.5f, -0.0f});
  REQUIRE(read.metadata == example().metadata);
  REQUIRE(read_safetensors(directory / "x", example().layout).weights == example().weights);
}

TEST_CASE("a checkpoint of another network is refused by the name of the tensor") {
  const TemporaryDirectory directory;
  write_safetensors(directory / "x", example());
  const auto read_as = [&](const Tensors& tensors) {
    read_safetensors(directory / "x", ParameterLayout(tensors));
  };
  REQUIRE_THROWS_AS(read_as({{"a", {2, 2}}}), LayoutError);
  REQUIRE_THROWS_WITH(read_as({{"a", {2, 2}}}), Contains("'b'") && Contains((directory / "x").string()));
  REQUIRE_THROWS_AS(read_as({{"a", {4}}, {"b", {}}}), LayoutError);
  REQUIRE_THROWS_WITH(read_as({{"a", {4}}, {"b", {}}}), Contains("'a' is [2, 2]") && Contains("[4]"));
  REQUIRE_THROWS_AS(read_as({{"a", {2, 2}}, {"b", {}}, {"c", {1}}}), LayoutError);
  REQUIRE_THROWS_WITH(read_as({{"a", {2, 2}}, {"b", {}}, {"c", {1}}}), Contains("'c' [1]"));
}

TEST_CASE("what is no readable file is an error of reading that names it") {
  const TemporaryDirectory directory;
  REQUIRE_THROWS_AS(read_safetensors(directory / "missing"), IoError);
  REQUIRE_THROWS_WITH(read_safetensors(directory / "missing"),
                      Contains("missing") && Contains("No such file"));
  REQUIRE_THROWS_AS(read_safetensors(directory.path()), IoError);
  REQUIRE_THROWS_AS(read_safetensors(""), IoError);
  // Nobody writes into the pipe: waiting for a writer would take for ever.
  REQUIRE(::mkfifo((directory / "pipe").c_str(), 0600) == 0);
  REQUIRE_THROWS_AS(read_safetensors(directory / "pipe"), IoError);
}

TEST_CASE("a checksum follows from names, shapes, metadata and weights, and from nothing else") {
  const std::uint64_t sum = checksum_of(example());
  CHECK(checksum_of(example()) == sum);
  Checkpoint other = example();
  other.weights[3] = 0.0f;  // -0 there: the bits count
  CHECK(checksum_of(other) != sum);
  other = example();
  other.metadata["update"] = "8";
  CHECK(checksum_of(other) != sum);
  other = example();
  other.metadata = {{"updat", "e7"}};
  CHECK(checksum_of(other) != sum);
  other = example();
  other.layout = ParameterLayout(Tensors{{"a", {4}}, {"b", {}}});
  CHECK(checksum_of(other) != sum);
  const TemporaryDirectory directory;
  write_safetensors(directory / "x.safetensors", example());
  CHECK(checksum_of(read_safetensors(directory / "x.safetensors")) == sum);
}

TEST_CASE("the checkpoint before can be kept") {
  const TemporaryDirectory directory;
  const auto write = [&](float weight) {
    Checkpoint checkpoint = example();
    checkpoint.weights[0] = weight;
    write_safetensors_keeping_previous(directory / "x", directory / "y", checkpoint);
  };
  write(5);
  write(6);
  CHECK(read_safetensors(directory / "x").weights[0] == 6);
  CHECK(read_safetensors(directory / "y").weights[0] == 5);
}
