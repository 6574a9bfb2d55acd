#pragma once

/// @file
/// Words of a command line, and what comes of them.

#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "cli/options/command_line.h"
#include "cli/options/resolved_program.h"
#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/run/preset.h"
#include "support/catch.h"

namespace genkidama::test {

using Words = std::vector<std::string>;

inline cli::Program test_program() {
  cli::Program program;
  program.name = "test";
  program.environment = make_cart_pole;
  program.default_preset = "thesis";
  run::Preset quick;
  quick.hyperparameters.gamma = 0.5;
  quick.hyperparameters.batch_size = 7;
  quick.description = "for tests";
  program.presets["quick"] = quick;
  run::Preset own = quick;
  own.network = [](const NetworkSpec& spec, std::uint64_t seed) { return mlp_network()(spec, seed); };
  program.presets["own"] = own;
  return program;
}

/// A program with a preset "quick" beside those of the library.
inline const cli::ResolvedProgram& resolved_program() {
  static const cli::ResolvedProgram program(test_program());
  return program;
}

inline std::optional<cli::Settings> parse(const Words& words, std::ostream& out) {
  std::vector<const char*> arguments = {"test"};
  for (const std::string& word : words) arguments.push_back(word.c_str());
  return cli::parse_command_line(static_cast<int>(arguments.size()), arguments.data(), resolved_program(),
                                 out);
}

inline cli::Settings parse(const Words& words) {
  std::ostringstream out;
  const auto settings = parse(words, out);
  REQUIRE(settings);
  return *settings;
}

/// The text of the ArgumentError; empty: there is none.
inline std::string refusal(const Words& words) {
  std::ostringstream out;
  try {
    parse(words, out);
  } catch (const ArgumentError& error) {
    return error.what();
  }
  return "";
}

}  // namespace genkidama::test
