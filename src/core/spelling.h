#pragma once

/// @file
/// Names that are almost right.

#include <string>
#include <vector>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// "learning-rate" for either spelling, learning_rate or learning-rate.
std::string option_spelling(const std::string& name);

/// " (did you mean 'gamma'?)" with the name that is nearest to `word`, or nothing when none is near: at most
/// a third of its letters are wrong, missing, too many or swapped. - and _ count as equal.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& names);

}  // namespace genkidama
