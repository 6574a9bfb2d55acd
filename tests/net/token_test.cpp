#include "genkidama/net/token.h"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "genkidama/core/error.h"
#include "genkidama/net/security.h"
#include "net/log_record.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

const std::string kToken = "correct-horse-battery-staple";

class TokenFile {
 public:
  explicit TokenFile(const std::string& content, mode_t mode = 0600) {
    std::ofstream(path(), std::ios::binary) << content;
    REQUIRE(::chmod(path().c_str(), mode) == 0);
  }
  std::filesystem::path path() const { return directory_ / "token"; }

 private:
  TemporaryDirectory directory_;
};

/// The environment while it lives.
class TokenVariable {
 public:
  explicit TokenVariable(const std::string& token) { ::setenv(kTokenVariable, token.c_str(), 1); }
  ~TokenVariable() { ::unsetenv(kTokenVariable); }
};

std::string refusal_of(const std::string& content) {
  const TokenFile file(content);
  try {
    read_token(file.path());
  } catch (const ArgumentError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a token is one line of a file, or the environment's", "[token]") {
  CHECK(read_token("").empty());
  CHECK(read_token(TokenFile(kToken).path()) == kToken);
  CHECK(read_token(TokenFile(kToken + "\n").path()) == kToken);
  CHECK(read_token(TokenFile(kToken + "\r\n").path()) == kToken);
  const std::string longest(kMaxTokenBytes, 'a');
  CHECK(read_token(TokenFile(longest + "\r\n").path()) == longest);
  const TokenVariable variable("of-the-environment");
  CHECK(read_token("") == "of-the-environment");
  CHECK(read_token(TokenFile(kToken).path()) == kToken);
  const TokenVariable empty("");
  CHECK(read_token("").empty());
}

TEST_CASE("a malformed token is refused and never printed", "[token]") {
  for (const std::string& content : {std::string(), std::string("\n"), std::string("\r\n")}) {
    CHECK(refusal_of(content).find("it is empty; expected one line") != std::string::npos);
  }
  for (const std::string& content :
       {kToken + " ", " " + kToken, kToken + "\n\n", kToken + "\n" + kToken, kToken + "\t",
        kToken + std::string(1, '\0'), kToken + "\x1b[2J", kToken + "\xc3\xa4",
        std::string(kMaxTokenBytes + 1, 'a'), std::string(kMaxTokenBytes * 5, 'a')}) {
    const std::string text = refusal_of(content);
    CAPTURE(content, text);
    CHECK(text.find("security.token from /") == 0);
    CHECK(text.find("this is no token; expected one line") != std::string::npos);
    CHECK(text.find(content.substr(0, 12)) == std::string::npos);
  }
  CHECK_THROWS_AS(read_token("/no/such/file"), ArgumentError);
  CHECK_THROWS_WITH(read_token("/no/such/file"),
                    Contains("security.token from /no/such/file: cannot read the file (No such"));
  CHECK_THROWS_WITH(read_token("/no/such/file", "--secret"), Contains("--secret /no/such/file: cannot read"));
  const TemporaryDirectory directory;
  CHECK_THROWS_AS(read_token(directory.path()), ArgumentError);
  const TokenVariable variable("two words");
  CHECK_THROWS_WITH(read_token(""), Contains("GENKIDAMA_TOKEN: this is no token") && !Contains("two words"));
}

TEST_CASE("a token that every user can read, or guess, is warned of, and the token is not logged",
          "[token]") {
  const LogRecord log;
  CHECK(read_token(TokenFile(kToken).path()) == kToken);
  CHECK(log.text().empty());
  CHECK(read_token(TokenFile(kToken, 0644).path()) == kToken);
  CHECK(log.holds("security.token from /", "every user of this machine can read it; 'chmod 600 /"));
  CHECK(read_token(TokenFile("short-of-it").path()) == "short-of-it");
  CHECK(log.holds("security.token from /", "can be guessed"));
  const TokenVariable variable("brief");
  CHECK(read_token("") == "brief");
  CHECK(log.holds("GENKIDAMA_TOKEN", "can be guessed"));
  for (const std::string& token : {kToken, std::string("short-of-it"), std::string("brief")})
    CHECK(log.text().find(token) == std::string::npos);
}

TEST_CASE("made tokens are valid, long and different", "[token]") {
  const std::string token = make_token();
  CHECK(token.size() == 64);
  CHECK(token.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(valid_token(token));
  CHECK(make_token() != token);
}
