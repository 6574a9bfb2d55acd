// Shared objects that are wrong in one way each; the build says by a definition in which.

#include <memory>
#include <stdexcept>

#include "genkidama/env/plugin.h"

#if defined(NO_SYMBOL)
extern "C" [[gnu::visibility("default")]] int genkidama_of_somebody_else() {
  return 1;
}
#elif defined(OTHER_VERSION) || defined(OTHER_SIZES) || defined(OTHER_FORMAT)
extern "C" [[gnu::visibility("default")]] const genkidama::EnvironmentPlugin* genkidama_environment_plugin() {
  static genkidama::EnvironmentPlugin plugin;
  plugin.version = genkidama::kVersion;
#if defined(OTHER_VERSION)
  plugin.version = "0.1.7";
#elif defined(OTHER_FORMAT)
  plugin.format = 9;
#else
  plugin.spec_bytes = 8;
#endif
  return &plugin;
}
#elif defined(NULL_PLUGIN)
extern "C" [[gnu::visibility("default")]] const genkidama::EnvironmentPlugin* genkidama_environment_plugin() {
  return nullptr;
}
#elif defined(THROWS)
GENKIDAMA_ENVIRONMENT_PLUGIN([]() -> std::unique_ptr<genkidama::Environment> {
  throw std::runtime_error("the licence has expired");
})
#elif defined(RETURNS_NOTHING)
GENKIDAMA_ENVIRONMENT_PLUGIN([]() -> std::unique_ptr<genkidama::Environment> { return nullptr; })
#elif defined(THROWS_INT)
GENKIDAMA_ENVIRONMENT_PLUGIN([]() -> std::unique_ptr<genkidama::Environment> { throw 5; })
#endif
