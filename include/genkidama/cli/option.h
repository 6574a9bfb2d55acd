#pragma once

/// @file
/// Options of a program's own, such as `--gravity -9.8`.

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace cli {

/// A number, given as `--name 0.5`.
struct NumberOption {
  double value = 0;                                       ///< the default, within the range
  double min = -std::numeric_limits<double>::infinity();  ///< the least that is taken
  double max = std::numeric_limits<double>::infinity();   ///< the greatest that is taken
};

/// A whole number, given as `--name 5`, of at most 2^53 in size.
struct WholeNumberOption {
  std::int64_t value = 0;                       ///< the default, within the range
  std::int64_t min = -(std::int64_t{1} << 53);  ///< the least that is taken
  std::int64_t max = std::int64_t{1} << 53;     ///< the greatest that is taken
};

/// Any text that is not empty, given as `--name TEXT`.
struct TextOption {
  std::string value{};  ///< the default; it may be empty, which then says that none was given
  /// Why a value is not taken from a file that may come from a stranger, as the file of a policy that is
  /// evaluated or the file of `--config`: the value must then be given on the command line. An empty text
  /// takes it. The function is empty by default, and every value is taken.
  std::function<std::string(const std::string& value)> distrust{};
};

/// One of some texts, given as `--name CHOICE`.
struct ChoiceOption {
  std::vector<std::string> choices;  ///< what is taken: at least one, none empty, and none twice
  std::string value{};               ///< the default, one of them; empty: the first
};

/// Off or on, given as `--name`, or as `--name=false` where it is on by default.
struct SwitchOption {
  bool is_on = false;  ///< the default
};

/// An option of the program's own. It is a flag of every command that makes environments, a key of `--config`
/// and config.json, and an option that sweeps can vary, all with the checks and errors of the bundled
/// options. Its value reaches the environment factory as EnvironmentContext::options. A resumed run has the
/// value that it had, unless the flag is given again. Files with a policy hold the values too, and `evaluate`
/// plays with them unless a flag says otherwise.
///
///     program.options = {{"gravity", "Pull towards the ground", NumberOption{.value = -10, .max = 0}},
///                        {"wind", "The wind blows", SwitchOption{}}};
///     program.environment = [](const EnvironmentContext& context) {
///       return std::make_unique<Glider>(context.options.number("gravity"), context.options.is_on("wind"));
///     };
struct Option {
  /// The flag without "--": lower-case letters and digits, words joined by "-", beginning with a letter. In
  /// config.json "-" becomes "_". It must be no bundled option's name.
  std::string name;
  std::string help;  ///< one line for --help, which adds range and default
  /// What the option takes.
  std::variant<NumberOption, WholeNumberOption, TextOption, ChoiceOption, SwitchOption> kind;
};

}  // namespace cli
}  // namespace genkidama
