#include "mujoco/mujoco_errors.h"

#include <fmt/format.h>
#include <mujoco/mujoco.h>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"

namespace genkidama {
namespace {

thread_local int quiet = 0;

// MuJoCo must not go on after an error. Its functions are C and hold nothing that an exception would leave
// behind.
[[noreturn]] void throw_error(const char* text) {
  throw Error("MuJoCo: " + in_one_line(text));
}

void log_warning(const char* text) {
  if (quiet == 0) log(LogLevel::kWarning, "MuJoCo: {}", in_one_line(text));
}

}  // namespace

void set_mujoco_handlers() {
  static const bool is_set = [] {
    if (mju_user_error == nullptr) mju_user_error = throw_error;
    if (mju_user_warning == nullptr) mju_user_warning = log_warning;
    return true;
  }();
  static_cast<void>(is_set);
}

std::string in_one_line(const std::string& text) {
  std::string line;
  for (const char letter : text) {
    const bool is_space = letter == ' ' || letter == '\n' || letter == '\r' || letter == '\t';
    if (!is_space) {
      line += letter;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  if (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

QuietMujoco::QuietMujoco() {
  ++quiet;
}

QuietMujoco::~QuietMujoco() {
  --quiet;
}

}  // namespace genkidama
