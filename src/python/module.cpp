#include "python/module.h"

#include "genkidama/core/version.h"

PYBIND11_MODULE(_genkidama, module) {
  using namespace genkidama::python;
  module.doc() = "What the package genkidama is made of.";
  module.attr("__version__") = genkidama::kVersion;
  bind_errors();
  bind_environment(module);
  bind_policy(module);
  bind_evaluation(module);
  bind_training(module);
}
