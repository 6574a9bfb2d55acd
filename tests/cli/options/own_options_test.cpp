// Options of a program's own, in one process: names and defaults, parsing, config files, help.
#include <fstream>
#include <sstream>
#include <utility>

#include "cli/options/cluster_member.h"
#include "cli/options/command_line.h"
#include "cli/options/config_file.h"
#include "cli/options/own_options.h"
#include "cli/options/resolved_program.h"
#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::cli;
using namespace genkidama::test;

namespace {

using Words = std::vector<std::string>;

Program program_with(std::vector<Option> options) {
  Program program;
  program.name = "test";
  program.environment = make_cart_pole;
  program.options = std::move(options);
  return program;
}

/// One option of each kind.
const ResolvedProgram& program() {
  static const ResolvedProgram program(
      program_with({{"gravity", "Pull towards the ground", NumberOption{.value = -10, .min = -12, .max = 0}},
                    {"gusts", "Gusts in an episode", WholeNumberOption{.value = 3, .min = 0, .max = 9}},
                    {"map-file", "Where the ground is described", TextOption{}},
                    {"surface", "What the ground is made of", ChoiceOption{.choices = {"rock", "sand"}}},
                    {"wind", "The wind blows", SwitchOption{}},
                    {"fuel", "Fuel runs out", SwitchOption{.is_on = true}}}));
  return program;
}

Settings parse(const Words& words, std::ostream& out) {
  std::vector<const char*> arguments = {"test"};
  for (const std::string& word : words) arguments.push_back(word.c_str());
  const auto settings =
      parse_command_line(static_cast<int>(arguments.size()), arguments.data(), program(), out);
  return settings.value_or(Settings());
}

OptionValues values(const Words& words) {
  std::ostringstream out;
  return parse(words, out).own;
}

std::string refusal(const std::function<void()>& body) {
  try {
    body();
  } catch (const ArgumentError& error) {
    return error.what();
  }
  return "";
}

std::string refusal_of(const Words& words) {
  return refusal([&] { values(words); });
}

/// Why a program with this option cannot be.
std::string objection(const std::string& name, decltype(Option::kind) kind = NumberOption{}) {
  return refusal([&] { ResolvedProgram(program_with({{name, "Help", std::move(kind)}})); });
}

}  // namespace

TEST_CASE("options of a program's own have their defaults, and the values that flags give") {
  const OptionValues defaults = values({"train"});
  CHECK(defaults.number("gravity") == -10);
  CHECK(defaults.whole("gusts") == 3);
  CHECK(defaults.text("map-file").empty());
  CHECK(defaults.text("surface") == "rock");
  CHECK_FALSE(defaults.is_on("wind"));
  CHECK(defaults.is_on("fuel"));
  for (const char* command : {"train", "evaluate", "watch", "cluster", "check", "parent", "child"}) {
    CAPTURE(command);
    const OptionValues given = values({command, "--gravity", "-9.8", "--gusts=8", "--map-file", "a map",
                                       "--surface", "sand", "--wind", "--fuel=false",
                                       command == std::string("parent")     ? "--listen=127.0.0.1:0"
                                       : command == std::string("child")    ? "--connect=127.0.0.1:1"
                                       : command == std::string("evaluate") ? "--checkpoint=x"
                                       : command == std::string("watch")    ? "--checkpoint=x"
                                                                            : "--seed=1"});
    CHECK(given.number("gravity") == -9.8);
    CHECK(given.whole("gusts") == 8);
    CHECK(given.text("map-file") == "a map");
    CHECK(given.text("surface") == "sand");
    CHECK(given.is_on("wind"));
    CHECK_FALSE(given.is_on("fuel"));
  }
}

TEST_CASE("a value outside an own option's range is refused as a bundled option's is") {
  CHECK(refusal_of({"train", "--gravity", "1"}) == "--gravity is '1'; expected a number in [-12, 0]");
  CHECK(refusal_of({"train", "--gravity", "-12.001"}) ==
        "--gravity is '-12.001'; expected a number in [-12, 0]");
  CHECK(refusal_of({"train", "--gravity", "nan"}) == "--gravity is 'nan'; expected a number in [-12, 0]");
  CHECK(refusal_of({"train", "--gravity", "heavy"}) == "--gravity is 'heavy'; expected a number in [-12, 0]");
  CHECK(refusal_of({"train", "--gusts", "10"}) == "--gusts is '10'; expected a whole number in [0, 9]");
  CHECK(refusal_of({"train", "--gusts", "1.5"}) == "--gusts is '1.5'; expected a whole number in [0, 9]");
  CHECK(refusal_of({"train", "--surface", "ice"}) == "--surface is 'ice'; expected one of rock, sand");
  CHECK(refusal_of({"train", "--map-file", ""}) == "--map-file is ''; expected a text that is not empty");
  CHECK(refusal_of({"train", "--wind=maybe"}) == "--wind is 'maybe'; expected true or false");
  CHECK_THAT(refusal_of({"train", "--gravty", "-9"}), Catch::Contains("--gravity"));
}

TEST_CASE("config files hold own options, and a run's config.json is read back") {
  const TemporaryDirectory directory;
  const auto file = (directory / "config.json").string();
  std::ofstream(file)
      << R"({"gravity": -9.5, "gusts": 4e0, "map_file": "x", "surface": "sand", "wind": true})";
  const OptionValues read = values({"train", "--config", file, "--gusts", "5"});
  CHECK(read.number("gravity") == -9.5);
  CHECK(read.whole("gusts") == 5);
  CHECK(read.text("map-file") == "x");
  CHECK(read.is_on("wind"));

  std::ostringstream out;
  const Settings settings = parse({"train", "--config", file}, out);
  std::ofstream(file) << config_of(settings, program().table, "test", "x").dump();
  CHECK(values({"train", "--config", file}) == settings.own);

  std::ofstream(file) << R"({"gravity": 1})";
  CHECK_THAT(refusal_of({"train", "--config", file}),
             Catch::Contains("key 'gravity' is 1; expected a number in [-12, 0]"));
  std::ofstream(file) << R"({"gravity": null})";
  CHECK_THAT(refusal_of({"train", "--config", file}), Catch::Contains("key 'gravity' is null"));
}

TEST_CASE("the members of a cluster are given the program's own options") {
  std::ostringstream out;
  const Settings cluster =
      parse({"cluster", "--run-dir=run", "--gravity=-9.8", "--wind", "--map-file=a map"}, out);
  for (const Words& words :
       {parent_words(cluster, program().table, 3), child_words(cluster, program().table, 1, 9)}) {
    CHECK(values(words) == cluster.own);
  }
}

TEST_CASE("an option with an empty value takes no other option for it") {
  CHECK(refusal_of({"train", "--run-dir=", "--seed", "3"}) == "--run-dir is ''; expected a path");
  CHECK(refusal_of({"train", "--map-file=", "--seed", "3"}) ==
        "--map-file is ''; expected a text that is not empty");
  CHECK_THAT(refusal_of({"train", "--seed=", "--greedy"}),
             Catch::Contains("--seed is ''; expected a whole number"));
}

TEST_CASE("help shows own options with their ranges and defaults") {
  std::ostringstream out;
  parse({"train", "--help"}, out);
  std::string help = out.str();
  for (const char* expected : {"--gravity X", "a number in [-12, 0]", "[default: -10", "--surface rock|sand",
                               "Gusts in an episode", "--wind", "Environment"}) {
    CHECK_THAT(help, Catch::Contains(expected));
  }
}

TEST_CASE("an own option whose name cannot be is refused") {
  for (const char* name : {"gamma", "workers", "cluster-member", "checkpoint", "grid"}) {
    CHECK(objection(name) ==
          "Program::options: '" + std::string(name) + "' is the name of a bundled option; take another name");
  }
  for (const char* name : {"help", "version", "environment", "command-line"}) {
    CHECK_THAT(objection(name), Catch::Contains("is a word that every command line or config.json has"));
  }
  for (const char* name :
       {"", "x", "Gravity", "--gravity", "two words", "a_b", "9-lives", "a--b", "end-", "g=1"}) {
    CHECK_THAT(objection(name), Catch::Contains("is no name of an option"));
  }
  const Option option{"gravity", "Help", NumberOption{}};
  CHECK(refusal([&] {
          ResolvedProgram(program_with({option, option}));
        }) == "Program::options: 'gravity' is given twice; expected a name of its own for each");
  CHECK(objection("gravity").empty());
}

TEST_CASE("an own option whose default is outside its range is refused") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(objection("gravity", NumberOption{.value = 1, .max = 0}) ==
        "Program::options: 'gravity' is 1 by default; expected a number <= 0");
  CHECK_THAT(objection("gravity", NumberOption{.value = nan}), Catch::Contains("by default"));
  CHECK_THAT(objection("gravity", NumberOption{.min = 2, .max = 1}), Catch::Contains("expected min <= max"));
  CHECK_THAT(objection("gravity", NumberOption{.min = nan}), Catch::Contains("expected min <= max"));
  CHECK(objection("gusts", WholeNumberOption{.value = 10, .min = 0, .max = 9}) ==
        "Program::options: 'gusts' is 10 by default; expected a whole number in [0, 9]");
  CHECK_THAT(objection("gusts", WholeNumberOption{.min = 1, .max = 0}),
             Catch::Contains("expected min <= max"));
  CHECK_THAT(objection("gusts", WholeNumberOption{.max = std::int64_t{1} << 60}), Catch::Contains("2^53"));
  CHECK(objection("surface", ChoiceOption{{"rock", "sand"}, "ice"}) ==
        "Program::options: 'surface' is 'ice' by default; expected one of rock, sand");
  for (const auto& choices : std::vector<std::vector<std::string>>{{}, {"a", "a"}, {"a", ""}}) {
    CHECK_THAT(objection("surface", ChoiceOption{choices}), Catch::Contains("expected at least one"));
  }
}

TEST_CASE("an environment that asks for an option that is not there is told what there is") {
  const OptionValues given = values({"train"});
  CHECK(refusal([&] { given.number("gravty"); }) ==
        "there is no option 'gravty' in the environment's context; expected one of fuel, gravity, gusts, "
        "map-file, surface, wind");
  CHECK(refusal([&] { given.whole("gravity"); }) ==
        "the option 'gravity' is a number, and it was asked for as a whole number");
  CHECK(refusal([&] { given.is_on("surface"); }) ==
        "the option 'surface' is a text, and it was asked for as a switch");
  CHECK_THAT(refusal([] { OptionValues().text("a"); }),
             Catch::Contains("the program has no options of its own"));
}

TEST_CASE("what a policy was trained with is taken but for what the command line says") {
  std::ostringstream out;
  Settings settings = parse({"evaluate", "--checkpoint=x", "--gusts=1"}, out);
  OptionValues recorded = values({"train", "--gravity=-9", "--gusts=9", "--wind", "--map-file=\xe9t\xe9"});
  const std::string text = own_options_text(recorded);
  apply_own_options("x", text, program().options, program().table, settings);
  recorded.set("gusts", std::int64_t{1});
  CHECK(settings.own == recorded);
  apply_own_options("x", R"({"of another program": 1})", program().options, program().table, settings);
  CHECK(settings.own == recorded);
  for (const char* bad : {"[1]", "{", R"({"gravity": 5})"}) {
    CHECK_THAT(refusal([&] { apply_own_options("x", bad, program().options, program().table, settings); }),
               Catch::StartsWith("x: it"));
  }
}
