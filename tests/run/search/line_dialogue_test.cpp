#include "run/search/line_dialogue.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::run;

namespace {

struct Pipe {
  Pipe() { REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0); }
  ~Pipe() {
    ::close(ends[0]);
    close_writer();
  }
  void close_writer() {
    if (ends[1] >= 0) ::close(ends[1]);
    ends[1] = -1;
  }
  void write(const std::string& text) {
    REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  std::array<int, 2> ends{-1, -1};
};

}  // namespace

TEST_CASE("lines are received whole, in order, without waiting") {
  Pipe in, out;
  LineDialogue dialogue(in.ends[0], out.ends[1]);
  CHECK_FALSE(dialogue.receive());
  in.write("first\nsec");
  CHECK(dialogue.receive()->text == "first");
  CHECK_FALSE(dialogue.receive());
  in.write("ond\n\nlast");
  CHECK(dialogue.receive()->text == "second");
  CHECK(dialogue.receive()->text.empty());
  CHECK_FALSE(dialogue.receive());
  CHECK_FALSE(dialogue.closed());
  in.close_writer();
  CHECK(dialogue.receive()->text == "last");
  CHECK_FALSE(dialogue.receive());
  CHECK(dialogue.closed());
}

TEST_CASE("a line that is too long is cut, and the next one is received") {
  Pipe in, out;
  LineDialogue dialogue(in.ends[0], out.ends[1]);
  const std::string part(4096, 'x');
  std::optional<LineDialogue::Line> line;
  for (std::size_t sent = 0; sent <= LineDialogue::kLongestLine; sent += part.size()) {
    in.write(part);
    line = dialogue.receive();
    CHECK_FALSE(line);
  }
  in.write("\nnext\n");
  line = dialogue.receive();
  REQUIRE(line);
  CHECK(line->too_long);
  CHECK(line->text.size() == LineDialogue::kLongestLine);
  line = dialogue.receive();
  CHECK(line->text == "next");
  CHECK_FALSE(line->too_long);
}

TEST_CASE("somebody who does not read is not waited for, and counts as gone in the end") {
  Pipe in, out;
  LineDialogue dialogue(in.ends[0], out.ends[1]);
  const std::string line(10'000, 'x');
  std::size_t sent = 0;
  while (!dialogue.closed() && sent < 4 * LineDialogue::kMostUnread) {
    dialogue.send(line);
    sent += line.size();
  }
  CHECK(dialogue.closed());
  CHECK(sent < 2 * LineDialogue::kMostUnread);
}
