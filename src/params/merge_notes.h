#pragma once

/// @file
/// The fields of the library's merge rules in a Parent's state.

#include <string>

#include "genkidama/params/saveable.h"

namespace genkidama {

inline constexpr const char* kMergeMethodField = "merge_method";
inline constexpr const char* kMergeVotesField = "merge_votes";
inline constexpr const char* kMergeNumbersField = "merge_numbers";

/// Whether the state has notes of the rule of that name. Those of another mean nothing to it, and are
/// dropped.
bool has_notes_of(const std::string& name, const StateReader& state);

}  // namespace genkidama
