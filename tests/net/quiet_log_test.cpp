// Warnings that a stranger can cause.
#include "net/quiet_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "net/log_record.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

long lines_of(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

}  // namespace

TEST_CASE("a warning that comes again is written more and more rarely, with how often it came") {
  const LogRecord log;
  QuietLog quiet;
  // Of another port each time.
  for (int i = 0; i < 150; ++i) quiet.warn("10.0.0.1 was refused", fmt::format("10.0.0.1:{} was refused", i));
  CHECK(lines_of(log.text()) == 3);
  CHECK(log.holds("10.0.0.1:0 was refused", ""));
  CHECK(log.holds("10.0.0.1:9 was refused", "(10 times so far)"));
  CHECK(log.holds("10.0.0.1:99 was refused", "(100 times so far)"));
  quiet.warn("10.0.0.1 was refused for another reason");
  CHECK(lines_of(log.text()) == 4);
}

TEST_CASE("of different warnings only a few are written, however many there are") {
  const LogRecord log;
  QuietLog quiet;
  for (int i = 0; i < 10'000; ++i) quiet.warn(fmt::format("warning {}", i));
  CHECK(lines_of(log.text()) >= 20);
  CHECK(lines_of(log.text()) < 30);
}
