#include <cstdint>
#include <fstream>
#include <iterator>

#include "genkidama/core/error.h"
#include "genkidama/params/safetensors.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

std::string length_bytes(std::uint64_t length) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>((length >> (8 * i)) & 0xff));
  return bytes;
}

/// A file with this header and so many zero bytes of data.
std::string file(const std::string& header, std::size_t data_bytes) {
  return length_bytes(header.size()) + header + std::string(data_bytes, '\0');
}

class Malformed {
 public:
  Checkpoint read(const std::string& bytes) {
    std::ofstream(path(), std::ios::binary | std::ios::trunc) << bytes;
    return read_safetensors(path());
  }
  /// The error's text; fails the test unless it is a FormatError that names the file.
  std::string error(const std::string& bytes) {
    try {
      read(bytes);
    } catch (const FormatError& error) {
      const std::string text = error.what();
      REQUIRE_THAT(text, Contains(path().string()));
      return text;
    }
    FAIL("this was read as a checkpoint: " << bytes.substr(0, 400));
    return "";
  }
  std::filesystem::path path() const { return directory_ / "x.safetensors"; }

 private:
  TemporaryDirectory directory_;
};

std::string tensor(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"a":)" + tensor(dtype, shape, offsets) + "}";
}

const std::string kGood = R"({"__metadata__":{"k":"v"},"a":)" + tensor("\"F32\"", "[2]", "[0,8]") +
                          R"(,"b":)" + tensor("\"F32\"", "[1,1]", "[8,12]") + "}";

}  // namespace

TEST_CASE("the file that the others are spoiled from can be read") {
  Malformed malformed;
  REQUIRE(malformed.read(file(kGood, 12)).weights.size() == 3);
  REQUIRE(malformed.read(file(kGood + "   ", 12)).metadata.at("k") == "v");
  REQUIRE(malformed.read(file("{}", 0)).layout.tensors().empty());
}

TEST_CASE("a file cut off at any byte is refused") {
  Malformed malformed;
  const std::string whole = file(kGood, 12);
  for (std::size_t length = 0; length < whole.size(); ++length) malformed.error(whole.substr(0, length));
}

TEST_CASE("a file with any one bit flipped is read or refused, and nothing else happens") {
  Malformed malformed;
  const std::string whole = file(kGood, 12);
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    try {
      const Checkpoint read = malformed.read(flipped);
      REQUIRE(read.weights.size() == 3);
    } catch (const FormatError&) {
      ++refused;
    }
  }
  REQUIRE(refused > kGood.size() * 4);
}

TEST_CASE("a header that claims more than there is allocates nothing and is refused") {
  Malformed malformed;
  for (const std::uint64_t length :
       {std::uint64_t{1} << 62, ~std::uint64_t{0}, std::uint64_t{(16 << 20) + 1}}) {
    REQUIRE_THAT(malformed.error(length_bytes(length) + kGood), Contains(std::to_string(length)));
  }
  malformed.error(length_bytes(kGood.size() + 1) + kGood);
  // 2^31 - 1 elements that the file does not have.
  REQUIRE_THAT(malformed.error(file(one("\"F32\"", "[2147483647]", "[0,8589934588]"), 8)),
               Contains("cut off"));
}

TEST_CASE("a header that is not JSON is refused") {
  Malformed malformed;
  for (const std::string header :
       {"", "x", "[]", "null", "\"a\"", "1", "{", "{}x", "{}{}", " {}", "{\"a\":}", "{,}", "{\"a\" 1}",
        "\xef\xbb\xbf{}", "{\"\xff\":1}", "{/**/}", "{'a':1}"}) {
    malformed.error(file(header, 0));
  }
  malformed.error(file(std::string("{}\0\0", 4), 0));
  malformed.error(file(std::string("{}\0{", 4), 0));
}

TEST_CASE("a deeply nested header is refused without following it down") {
  Malformed malformed;
  const std::string deep = R"({"a":)" + std::string(1 << 20, '[') + std::string(1 << 20, ']') + "}";
  malformed.error(file(deep, 0));
  malformed.error(file(one("\"F32\"", std::string(1 << 20, '['), "[0,4]"), 4));
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += R"({"a":)";
  malformed.error(file(objects, 0));
}

TEST_CASE("a key that occurs twice is refused") {
  Malformed malformed;
  const std::string a = R"("a":)" + tensor("\"F32\"", "[1]", "[0,4]");
  REQUIRE_THAT(malformed.error(file("{" + a + "," + a + "}", 4)), Contains("'a' twice"));
  const std::string meta = R"("__metadata__":{})";
  malformed.error(file("{" + meta + "," + meta + "}", 0));
  REQUIRE_THAT(malformed.error(file(R"({"__metadata__":{"k":"1","k":"2"}})", 0)), Contains("'k' twice"));
  for (const std::string field : {R"("dtype":"F32")", R"("shape":[1])", R"("data_offsets":[0,4])"}) {
    const std::string twice = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],)" + field + "}}";
    REQUIRE_THAT(malformed.error(file(twice, 4)), Contains("twice"));
  }
}

TEST_CASE("other kinds of numbers are refused by their name") {
  Malformed malformed;
  for (const std::string dtype : {"F16", "BF16", "F64", "I64", "f32", ""}) {
    REQUIRE_THAT(malformed.error(file(one('"' + dtype + '"', "[1]", "[0,4]"), 4)),
                 Contains("'" + dtype + "'"));
  }
  for (const std::string dtype : {"null", "1", "[]", "{}", "true"}) {
    malformed.error(file(one(dtype, "[1]", "[0,4]"), 4));
  }
}

TEST_CASE("shapes that cannot be are refused") {
  Malformed malformed;
  for (const std::string shape : {"[-1]",
                                  "[0]",
                                  "[1.0]",
                                  "[1e0]",
                                  "[\"1\"]",
                                  "[null]",
                                  "[[1]]",
                                  "{}",
                                  "1",
                                  "null",
                                  "[-9223372036854775808]",
                                  "[9223372036854775807]",
                                  "[9223372036854775808]",
                                  "[18446744073709551615]",
                                  "[18446744073709551616]",
                                  "[4294967296,4294967296]",
                                  "[4611686018427387904,4]",
                                  "[2]",
                                  "[1,1,1,1,1,1,1,1,1]",
                                  "[1e999]",
                                  "[-0]"}) {
    malformed.error(file(one("\"F32\"", shape, "[0,4]"), 4));
  }
  std::string many = "[1";
  for (int i = 0; i < 100000; ++i) many += ",1";
  malformed.error(file(one("\"F32\"", many + "]", "[0,4]"), 4));
}

TEST_CASE("offsets that cannot be are refused") {
  Malformed malformed;
  for (const std::string offsets :
       {"[]", "[0]", "[0,4,8]", "[0,3]", "[0,8]", "[4,8]", "[4,0]", "[-4,0]", "[0,4.0]", "[\"0\",4]", "null",
        "{}", "[0,18446744073709551615]", "[18446744073709551612,0]",
        "[18446744073709551612,18446744073709551616]"}) {
    malformed.error(file(one("\"F32\"", "[1]", offsets), 4));
  }
}

TEST_CASE("data that overlaps, has holes or does not end with the file is refused") {
  Malformed malformed;
  const auto two = [](const std::string& a, const std::string& b) {
    return R"({"a":)" + tensor("\"F32\"", "[2]", a) + R"(,"b":)" + tensor("\"F32\"", "[2]", b) + "}";
  };
  REQUIRE(malformed.read(file(two("[8,16]", "[0,8]"), 16)).layout.tensors()[0].name == "b");
  REQUIRE_THAT(malformed.error(file(two("[0,8]", "[4,12]"), 12)), Contains("overlap"));
  REQUIRE_THAT(malformed.error(file(two("[0,8]", "[0,8]"), 8)), Contains("overlap"));
  REQUIRE_THAT(malformed.error(file(two("[0,8]", "[12,20]"), 20)), Contains("hole"));
  REQUIRE_THAT(malformed.error(file(two("[4,12]", "[12,20]"), 20)), Contains("hole"));
  REQUIRE_THAT(malformed.error(file(two("[0,8]", "[8,16]"), 17)), Contains("trailing"));
  REQUIRE_THAT(malformed.error(file(two("[0,8]", "[8,16]"), 12)), Contains("cut off"));
  malformed.error(file("{}", 1));
}

TEST_CASE("entries that are not tensors are refused") {
  Malformed malformed;
  for (const std::string value :
       {"null", "1", "\"x\"", "[]", "{}", R"({"dtype":"F32"})", R"({"dtype":"F32","shape":[1]})",
        R"({"shape":[1],"data_offsets":[0,4]})", R"({"dtype":"F32","data_offsets":[0,4]})",
        R"({"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1})"}) {
    malformed.error(file(R"({"a":)" + value + "}", 4));
  }
  const std::string good = tensor("\"F32\"", "[1]", "[0,4]");
  for (const std::string name : {"", R"(\n)", R"(\u0000)", "caf\xc3\xa9"}) {
    malformed.error(file("{\"" + name + "\":" + good + "}", 4));
  }
  malformed.error(file("{\"" + std::string(257, 'n') + "\":" + good + "}", 4));
}

TEST_CASE("metadata that is not text is refused") {
  Malformed malformed;
  for (const std::string value : {"null", "1", "\"x\"", "[]", R"({"k":1})", R"({"k":null})", R"({"k":["v"]})",
                                  R"({"k":{"v":"w"}})", R"({"k":true})"}) {
    REQUIRE_THAT(malformed.error(file(R"({"__metadata__":)" + value + "}", 0)), Contains("__metadata__"));
  }
}

TEST_CASE("weights that are not finite are refused with their place") {
  Malformed malformed;
  for (const std::string& bad :
       {std::string("\0\0\xc0\x7f", 4), std::string("\0\0\x80\x7f", 4), std::string("\0\0\x80\xff", 4)}) {
    const std::string bytes = file(kGood, 0) + std::string(8, '\0') + bad;
    REQUIRE_THAT(malformed.error(bytes), Contains("'b', element 0"));
  }
}
