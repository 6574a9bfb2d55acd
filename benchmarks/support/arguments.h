#pragma once

// "--name value" arguments of the small programs here.

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "genkidama/core/error.h"

namespace genkidama::benchmarks {

class Arguments {
 public:
  /// `defaults`: every option there is. Throws ArgumentError for another one, or one without a value.
  Arguments(int argc, char** argv, std::map<std::string, std::string> defaults)
      : options_(std::move(defaults)) {
    for (int i = 1; i < argc; ++i) {
      const std::string name = argv[i];
      if (name.rfind("--", 0) != 0) {
        positional.push_back(name);
        continue;
      }
      const auto option = options_.find(name);
      if (option == options_.end())
        throw ArgumentError("unknown option " + name + "; expected one of" + names());
      if (++i == argc) throw ArgumentError(name + " needs a value");
      option->second = argv[i];
    }
  }

  const std::string& text(const std::string& name) const { return options_.at(name); }

  double number(const std::string& name) const { return as_number(name, text(name)); }

  /// Of a list such as 1,10,100.
  std::vector<int> integers(const std::string& name) const {
    std::vector<int> values;
    std::istringstream list(text(name));
    for (std::string item; std::getline(list, item, ',');)
      values.push_back(static_cast<int>(as_number(name, item)));
    if (values.empty()) throw ArgumentError(name + " is empty; expected numbers such as 1,10,100");
    return values;
  }

  std::vector<std::string> positional;

 private:
  static double as_number(const std::string& name, const std::string& text) {
    std::istringstream stream(text);
    double value = 0;
    if (!(stream >> value) || !stream.eof() || value < 0) {
      throw ArgumentError(name + " is '" + text + "', expected a number of at least 0");
    }
    return value;
  }

  std::string names() const {
    std::string all;
    for (const auto& [name, value] : options_) all += " " + name;
    return all;
  }

  std::map<std::string, std::string> options_;
};

/// What main() returns: `run`'s result, or 2 for a bad argument and 1 for another failure, told in a line.
template <typename Run>
int exit_code_of(const char* program, const Run& run) {
  try {
    return run();
  } catch (const ArgumentError& error) {
    fmt::print(stderr, "{}: {}\n", program, error.what());
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", program, error.what());
    return 1;
  }
}

}  // namespace genkidama::benchmarks
