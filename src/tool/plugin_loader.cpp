#include "tool/plugin_loader.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include "genkidama/core/error.h"
#include "genkidama/core/version.h"
#include "genkidama/env/plugin.h"

namespace genkidama::tool {
namespace {

/// Whether a shared object of that version can be used by this program: before 1.0 each minor version may
/// change the interface.
bool is_compatible(const char* version) {
  int major = -1, minor = -1;
  if (version == nullptr || std::sscanf(version, "%d.%d", &major, &minor) != 2) return false;
  return major == kVersionMajor && (major > 0 || minor == kVersionMinor);
}

constexpr const char* kForProgram =
    "; expected a shared object (.so); if it is a program that speaks the environment protocol, write "
    "process: "
    "before its path";

/// Whether it can be executed, and is not called as a shared object is.
bool is_own_program(const std::string& path) {
  return std::filesystem::path(path).extension() != ".so" && ::access(path.c_str(), X_OK) == 0 &&
         std::filesystem::is_regular_file(path);
}

const EnvironmentPlugin& plugin_in(const std::string& path) {
  // Every symbol is looked for now, so that one that is missing is told here and not in the middle of a run.
  void* const object = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) {
    const std::string problem = ::dlerror();
    throw ArgumentError(
        fmt::format("{}: cannot be loaded: {}{}", path, problem, is_own_program(path) ? kForProgram : ""));
  }
  void* const symbol = ::dlsym(object, kEnvironmentPluginSymbol);
  if (symbol == nullptr) {
    throw ArgumentError(fmt::format(
        "{}: exports no environment (no symbol {}); expected GENKIDAMA_ENVIRONMENT_PLUGIN(...) in its source",
        path, kEnvironmentPluginSymbol));
  }
  const EnvironmentPlugin expected;
  const auto* const plugin = reinterpret_cast<const EnvironmentPlugin* (*)()>(symbol)();
  if (plugin == nullptr || plugin->format != expected.format || !is_compatible(plugin->version)) {
    const bool is_readable = plugin != nullptr && plugin->version != nullptr;
    throw ArgumentError(
        fmt::format("{}: was compiled with Genkidama {} (format {}), expected {}.{} (format {}); compile it "
                    "again with the headers of this version",
                    path, is_readable ? plugin->version : "(unknown)", is_readable ? plugin->format : 0,
                    kVersionMajor, kVersionMinor, expected.format));
  }
  if (plugin->make == nullptr || plugin->spec_bytes != expected.spec_bytes ||
      plugin->step_bytes != expected.step_bytes || plugin->context_bytes != expected.context_bytes) {
    throw ArgumentError(
        fmt::format("{}: was compiled with Genkidama {} as this program, but its types have other sizes; "
                    "compile it with the same "
                    "headers, compiler and standard library",
                    path, plugin->version));
  }
  return *plugin;
}

/// In a catch block.
std::string thrown_text() {
  try {
    throw;
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "something that is no std::exception";
  }
}

}  // namespace

EnvironmentFactory load_plugin(const std::string& path) {
  const EnvironmentPlugin& plugin = plugin_in(path);
  return [path, make = plugin.make](const EnvironmentContext& context) -> std::unique_ptr<Environment> {
    if (context.purpose != EnvironmentPurpose::kDescribe) return make(context);
    try {
      auto environment = make(context);
      if (environment) return environment;
    } catch (...) {
      throw ArgumentError(fmt::format("{}: its factory threw an exception: {}", path, thrown_text()));
    }
    throw ArgumentError(fmt::format("{}: its factory returned no environment", path));
  };
}

}  // namespace genkidama::tool
