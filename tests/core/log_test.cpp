#include "genkidama/core/log.h"

#include <string>
#include <vector>

#include "support/catch.h"

TEST_CASE("a message below the level is dropped, one at the level reaches the sink") {
  std::vector<std::string> seen;
  genkidama::set_log_sink([&](genkidama::LogLevel, std::string_view text) { seen.emplace_back(text); });
  genkidama::log(genkidama::LogLevel::kDebug, "hidden {}", 1);
  genkidama::log(genkidama::LogLevel::kInfo, "shown {}", 2);
  genkidama::set_log_level(genkidama::LogLevel::kDebug);
  genkidama::log(genkidama::LogLevel::kDebug, "now shown {}", 3);
  genkidama::set_log_level(genkidama::LogLevel::kInfo);
  genkidama::set_log_sink({});
  REQUIRE(seen == std::vector<std::string>{"shown 2", "now shown 3"});
}

TEST_CASE("a level has one word at the beginning of its lines, wherever they go") {
  using genkidama::LogLevel;
  CHECK(genkidama::log_prefix(LogLevel::kDebug) == std::string("debug: "));
  CHECK(genkidama::log_prefix(LogLevel::kInfo) == std::string());
  CHECK(genkidama::log_prefix(LogLevel::kWarning) == std::string("warning: "));
  CHECK(genkidama::log_prefix(LogLevel::kError) == std::string("error: "));
}
