#include "cli/terminal/output.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "genkidama/core/error.h"

namespace genkidama::cli {
namespace {

int g_first_error = 0;

void keep_error() {
  if (g_first_error == 0) g_first_error = errno != 0 ? errno : EIO;
}

bool write_all(int descriptor, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

void print_text(std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) keep_error();
}

void finish_output() {
  errno = 0;
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) keep_error();
  if (g_first_error == 0) return;
  throw IoError(
      fmt::format("the result could not be written to standard output: {}", std::strerror(g_first_error)));
}

void print_error(std::string_view text) noexcept {
  write_all(STDERR_FILENO, text);
}

void write_now(std::string_view text) {
  if (write_all(STDOUT_FILENO, text)) return;
  throw IoError(fmt::format("the picture could not be written to standard output: {}", std::strerror(errno)));
}

}  // namespace genkidama::cli
