#pragma once

/// @file
/// The parts of an exported header, in the order in which they stand there. In their text '@' stands for the
/// prefix of identifiers, and '$' for it in capital letters.

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

#include "run/export/c_text.h"
#include "run/export/portable_policy.h"
#include "run/export/recorded_steps.h"

namespace genkidama::run {

/// A text that grows.
class CText {
 public:
  void add(std::string_view text) { text_ += text; }
  /// Formats a line and ends it.
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    text_ += fmt::format(format, std::forward<Args>(args)...) + '\n';
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// Weights, and what inputs and outputs are mapped with.
void add_c_tables(const PortablePolicy& policy, CText& text);
/// What the functions below are made of.
void add_c_arithmetic(const PortablePolicy& policy, CText& text);
/// @_outputs().
void add_c_forward(const PortablePolicy& policy, CText& text);
/// @_act(), and @_sample() of a policy that draws its actions.
void add_c_actions(const PortablePolicy& policy, CText& text);
/// @_self_test() and a main() that calls it, for those who define a macro.
void add_c_self_test(const PortablePolicy& policy, const RecordedSteps& steps, CText& text);

/// Whether an action is the number of a choice, which @_act() returns.
inline bool returns_choice(const PortablePolicy& policy) {
  return policy.actions.is_one_choice();
}
inline bool has_choices(const PortablePolicy& policy) {
  return !policy.actions.choices.empty();
}
/// The first parameter, and the argument for it, of what takes the state of a policy with memory.
inline const char* state_parameter(const PortablePolicy& policy) {
  return policy.has_memory() ? "struct @_state *state, " : "";
}
inline const char* state_argument(const PortablePolicy& policy) {
  return policy.has_memory() ? "state, " : "";
}

}  // namespace genkidama::run
