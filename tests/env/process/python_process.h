#pragma once

// A task in Python, as genkidama_serve plays it.

#include <string>

#include "genkidama/env/process_environment.h"
#include "support/patience.h"

namespace genkidama::test {

inline ProcessEnvironmentOptions python(const std::string& task) {
  ProcessEnvironmentOptions options;
  options.command = {GENKIDAMA_PYTHON3, "-B", "-m", "genkidama_serve", task};
  options.variables = {{"PYTHONPATH", GENKIDAMA_PYTHON_MODULE ":" GENKIDAMA_GYMNASIUM_LIKE}};
  options.start_timeout = options.reset_timeout = options.step_timeout = Milliseconds(patient_seconds(30));
  return options;
}

}  // namespace genkidama::test
