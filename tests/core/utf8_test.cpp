#include "genkidama/core/utf8.h"

#include <string>

#include "support/catch.h"

using namespace genkidama;

namespace {

const std::string kReplaced = "\xEF\xBF\xBD";
// One to four bytes each: A, e with an acute accent, the euro sign, a musical symbol.
const std::string kMixed = "A\xC3\xA9\xE2\x82\xAC\xF0\x9D\x84\x9E";

}  // namespace

TEST_CASE("what is UTF-8 and what is not") {
  CHECK(is_utf8(""));
  CHECK(is_utf8(kMixed));
  CHECK(is_utf8(std::string("a\0b", 3)));
  for (const char* bad :
       {"\x80", "\xC3", "\xC3(", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xE2\x82", "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\xFF", "caf\xE9"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_utf8(bad));
    CHECK(is_utf8(to_utf8(bad)));
    CHECK(is_utf8(escape_bytes(bad)));
    CHECK(unescape_bytes(escape_bytes(bad)) == bad);
  }
}

TEST_CASE("bytes that are no UTF-8 are replaced, and nothing else") {
  CHECK(to_utf8(kMixed) == kMixed);
  CHECK(to_utf8("caf\xE9!") == "caf" + kReplaced + "!");
  CHECK(to_utf8("\xE2\x82") == kReplaced + kReplaced);
}

TEST_CASE("a text is cut between characters") {
  const std::size_t borders[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
  for (std::size_t most = 0; most < std::size(borders); ++most) {
    CAPTURE(most);
    CHECK(cut_utf8(kMixed, most) == kMixed.substr(0, borders[most]));
  }
  // Bytes of no character are cut anywhere.
  CHECK(cut_utf8("\xE9\xE9\xE9", 2) == "\xE9\xE9");
  CHECK(cut_utf8("\x80\x80\x80\x80\x80\x80", 5).size() == 5);
}

TEST_CASE("paths are kept byte by byte") {
  CHECK(escape_bytes(kMixed) == kMixed);
  CHECK(escape_bytes("caf\xE9") == std::string("caf\0e9", 6));
  CHECK(unescape_bytes(std::string("caf\0e9", 6)) == "caf\xE9");
  std::string all;
  for (int byte = 1; byte < 256; ++byte) all += static_cast<char>(byte);
  CHECK(unescape_bytes(escape_bytes(all)) == all);
  // What is no escape stays as it is.
  for (const auto& text :
       {std::string("a\0", 2), std::string("\0e", 2), std::string("\0zz", 3), std::string("\0E9", 3)}) {
    CHECK(unescape_bytes(text) == text);
  }
}
