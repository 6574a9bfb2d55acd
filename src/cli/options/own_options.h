#pragma once

/// @file
/// The options of a program's own as rows of the table, and their values.

#include <string>
#include <vector>

#include "cli/options/option_row.h"
#include "genkidama/cli/option.h"

namespace genkidama::cli {

/// A row for each option; its value lives in Settings::own. Throws ArgumentError, naming the option, for a
/// name that is no name or is taken by one of the rows in `bundled` or by a second option, and for a default
/// outside its range.
std::vector<OptionRow> own_option_rows(const std::vector<Option>& options,
                                       const std::vector<OptionRow>& bundled);

/// What the options are when nobody says otherwise.
OptionValues own_defaults(const std::vector<Option>& options);

/// The values as a JSON object, for a policy's metadata; empty when there are none.
std::string own_options_text(const OptionValues& values);

/// The words as a shell takes them, for a user to type.
std::string shell_words(const std::vector<std::string>& words);

/// Throws ArgumentError that begins with `source` for a value of the option that the program distrusts in a
/// file (TextOption::distrust). It shows `command_line` with the value given on it.
void check_trusted(const std::string& source, const std::string& name, const nlohmann::json& value,
                   const std::vector<Option>& options, const std::string& command_line);

/// The values that `text`, as own_options_text() wrote it, holds in place of those in `settings`, but for the
/// options that the command line names. What it says of other options is left out. Throws ArgumentError that
/// begins with `source` for a value that is not taken, and as check_trusted().
void apply_own_options(const std::string& source, const std::string& text, const std::vector<Option>& options,
                       const std::vector<OptionRow>& table, Settings& settings);

}  // namespace genkidama::cli
