#pragma once

/// @file
/// Results on standard output and errors on standard error, for terminals, pipes and full disks.

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace genkidama::cli {

/// Writes to standard output, buffered. A failure is kept for finish_output(): it must not end a run whose
/// files are still to be written.
void print_text(std::string_view text);

/// Formats and writes to standard output, as print_text().
template <typename... Args>
void print(fmt::format_string<Args...> format, Args&&... args) {
  print_text(fmt::format(format, std::forward<Args>(args)...));
}

/// Writes what is still buffered. Throws IoError when anything that was printed to standard output is lost.
void finish_output();

/// Writes to standard output at once, past what is buffered. Throws IoError when that fails.
void write_now(std::string_view text);

/// Writes to standard error at once, in one piece if the system takes it so. A failure has nowhere to be
/// told.
void print_error(std::string_view text) noexcept;

}  // namespace genkidama::cli
