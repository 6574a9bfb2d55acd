#pragma once

/// @file
/// What an optimizer is, in words, so that processes that must have the same one can compare.

#include <string>

#include "genkidama/core/export.h"
#include "genkidama/nn/optimizer_options.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Returns the optimizer's name and every constant that it reads but the learning rate, such as
/// "adam beta1 0.9 beta2 0.999 epsilon 1e-08 weight-decay 0". Equal texts stand for equal constants, bit for
/// bit. An optimizer that is not a bundled one has all constants in its text.
std::string optimizer_text(const OptimizerOptions& options);

}  // namespace genkidama
