#pragma once

// An exported header, compiled by the machine's C compilers and called.

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "genkidama/core/atomic_file.h"
#include "genkidama/run/export.h"
#include "support/catch.h"

namespace genkidama::test {

inline bool has_program(const std::string& name) {
  return std::system(fmt::format("command -v {} >/dev/null 2>&1", name).c_str()) == 0;
}

/// The functions of driver.c with `header` as its policy.h.
class CompiledHeader {
 public:
  CompiledHeader(const std::filesystem::path& directory, const std::string& header, bool is_one_choice,
                 bool is_sampled) {
    const std::string flags =
        fmt::format("-Wall -Wextra -Werror -pedantic -O2 -I'{}' -DROBOT_SELF_TEST {}{}", directory.string(),
                    is_one_choice ? "-DONE_CHOICE " : "", is_sampled ? "-DSAMPLED " : "");
    write_file_atomically(directory / "policy.h", header);
    const std::string library = (directory / "policy.so").string();
    run(fmt::format("cc -std=c99 {} -fPIC -shared -o '{}' '{}'", flags, library, GENKIDAMA_EXPORT_DRIVER));
    if (has_program("clang"))
      run(fmt::format("clang -std=c99 {} -fsyntax-only '{}'", flags, GENKIDAMA_EXPORT_DRIVER));
    run(fmt::format("c++ -std=c++11 {} -fsyntax-only -x c++ '{}'", flags, GENKIDAMA_EXPORT_DRIVER));
    // Whoever calls one function of it is not told of the others.
    run(fmt::format("cc -std=c99 -Wall -Wextra -Werror -pedantic -fsyntax-only -x c '{}'",
                    (directory / "policy.h").string()));
    library_ = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    REQUIRE(library_ != nullptr);
    find(forget, "forget");
    find(compute, "compute");
    find(act, "act");
    find(self_test, "self_test");
    if (is_sampled) find(sample, "sample");
  }
  ~CompiledHeader() {
    if (library_ != nullptr) dlclose(library_);
  }
  CompiledHeader(const CompiledHeader&) = delete;
  CompiledHeader& operator=(const CompiledHeader&) = delete;

  void (*forget)() = nullptr;
  int (*compute)(const float* observation, float* outputs) = nullptr;
  int (*act)(const float* observation, const std::uint8_t* mask, float* action) = nullptr;
  int (*sample)(const float* observation, const std::uint8_t* mask, const float* random,
                float* action) = nullptr;
  int (*self_test)() = nullptr;

 private:
  static void run(const std::string& command) {
    CAPTURE(command);
    REQUIRE(std::system(command.c_str()) == 0);
  }

  template <typename Function>
  void find(Function*& function, const char* name) {
    function = reinterpret_cast<Function*>(dlsym(library_, name));
    REQUIRE(function != nullptr);
  }

  void* library_ = nullptr;
};

}  // namespace genkidama::test
