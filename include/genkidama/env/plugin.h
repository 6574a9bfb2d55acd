#pragma once

/// @file
/// An environment in a shared object, which the tool genkidama plays when it is given the path of the file.

#include <cstdint>
#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/core/version.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What a shared object exports. The first two fields never change, so that a tool of any version can read
/// them.
struct EnvironmentPlugin {
  /// Of this struct and of Environment's virtual functions: 2 since Environment::draw().
  std::uint32_t format = 2;
  const char* version = nullptr;  ///< the Genkidama version that the shared object was compiled with
  /// Sizes of what crosses the border between the shared object and the tool. Both must have the same.
  std::uint32_t spec_bytes = sizeof(EnvironmentSpec);
  std::uint32_t step_bytes = sizeof(StepResult);             ///< as above
  std::uint32_t context_bytes = sizeof(EnvironmentContext);  ///< as above
  /// Makes one environment. It may throw: the tool shows the text.
  std::unique_ptr<Environment> (*make)(const EnvironmentContext& context) = nullptr;
};

/// The name of the function that a shared object exports. It takes nothing and returns a pointer to its
/// EnvironmentPlugin, which lives as long as the shared object is loaded.
inline constexpr const char* kEnvironmentPluginSymbol = "genkidama_environment_plugin";

}  // namespace genkidama

/// Exports an environment from a shared object. `factory` is anything that an EnvironmentFactory holds: a
/// function, or a lambda, that returns a std::unique_ptr to an Environment. Write it once, outside of every
/// namespace:
///
///     GENKIDAMA_ENVIRONMENT_PLUGIN([] { return std::make_unique<MyTask>(); })
///
/// Compile with -shared -fPIC and link genkidama::core. The tool refuses a shared object that was compiled
/// with another minor version of Genkidama.
#define GENKIDAMA_ENVIRONMENT_PLUGIN(...)                                                                 \
  extern "C" [[gnu::visibility("default")]] const ::genkidama::EnvironmentPlugin*                         \
  genkidama_environment_plugin() {                                                                        \
    static ::genkidama::EnvironmentPlugin plugin;                                                         \
    plugin.version = ::genkidama::kVersion;                                                               \
    plugin.make =                                                                                         \
        [](const ::genkidama::EnvironmentContext& context) -> std::unique_ptr<::genkidama::Environment> { \
      static const ::genkidama::EnvironmentFactory factory = __VA_ARGS__;                                 \
      return factory(context);                                                                            \
    };                                                                                                    \
    return &plugin;                                                                                       \
  }
