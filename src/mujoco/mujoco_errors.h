#pragma once

// What MuJoCo reports through its handlers, which would else end the process or write files.

#include <string>
#include <utility>

namespace genkidama {

/// Sets MuJoCo's handlers for the whole process, where the program has not set its own. Called more than once
/// it does nothing more. Thread-safe.
void set_mujoco_handlers();

/// The text without line breaks and without spaces at its ends.
std::string in_one_line(const std::string& text);

/// While one lives, this thread's warnings of MuJoCo are not logged: mjData counts them for who wants to
/// know.
class QuietMujoco {
 public:
  QuietMujoco();
  ~QuietMujoco();
  QuietMujoco(const QuietMujoco&) = delete;
  QuietMujoco& operator=(const QuietMujoco&) = delete;
};

}  // namespace genkidama
