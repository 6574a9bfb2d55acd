#include "genkidama/net/token.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <random>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/net/security.h"

namespace genkidama {
namespace {

constexpr std::size_t kShortTokenBytes = 16;

void check(const std::string& token, const std::string& source) {
  if (!valid_token(token)) {
    throw ArgumentError(fmt::format(
        "{}: {}; expected one line of 1 to {} printable ASCII characters without spaces, for instance from "
        "'openssl rand -hex 32'",
        source, token.empty() ? "it is empty" : "this is no token", kMaxTokenBytes));
  }
  if (token.size() < kShortTokenBytes) {
    log(LogLevel::kWarning, "{}: a token of fewer than {} characters can be guessed", source,
        kShortTokenBytes);
  }
}

std::string read_line(const std::filesystem::path& path, const std::string& source) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxTokenBytes + 3, '\0');  // one character too many, and the end of the line
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad() || (file.fail() && !file.eof())) {
    throw ArgumentError(fmt::format("{}: cannot read the file ({})", source,
                                    errno != 0 ? std::strerror(errno) : "read error"));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (!text.empty() && text.back() == '\n') text.pop_back();
  if (!text.empty() && text.back() == '\r') text.pop_back();
  return text;
}

void warn_of_readers(const std::filesystem::path& path, const std::string& source) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  if ((status.st_mode & S_IROTH) == 0) return;
  log(LogLevel::kWarning, "{}: every user of this machine can read it; 'chmod 600 {}' keeps it secret",
      source, path.string());
}

}  // namespace

std::string make_token() try {
  std::random_device random;
  std::string token;
  for (int i = 0; i < 8; ++i) token += fmt::format("{:08x}", static_cast<std::uint32_t>(random()));
  return token;
} catch (const std::exception& error) {
  throw IoError(fmt::format("cannot make a token: the system gives no random numbers ({})", error.what()));
}

std::string read_token(const std::filesystem::path& file, std::string_view option) {
  if (!file.empty()) {
    const std::string source = fmt::format("{} {}", option, file.string());
    const std::string token = read_line(file, source);
    check(token, source);
    warn_of_readers(file, source);
    return token;
  }
  const char* value = std::getenv(kTokenVariable);
  if (value == nullptr || *value == '\0') return "";
  check(value, kTokenVariable);
  return value;
}

}  // namespace genkidama
