#pragma once

#include <string>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What a user can do when a file cannot be written: `error` is an errno. Never empty.
std::string write_advice(int error);

}  // namespace genkidama
