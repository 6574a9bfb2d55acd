#pragma once

/// @file
/// Whom to look at among the Children of a Parent.

#include <string>
#include <vector>

#include "genkidama/run/run_totals.h"

namespace genkidama::run {

/// One sentence for people: the Child that stands out most, and why, or that none does. A Child with fewer
/// than five merges is not judged, and neither are two Children, of which nobody can tell who is right.
///
/// A Child stands out whose weights pull against those of the others (its agreement is below -0.1, and by 0.3
/// below the median of the others), or whose merges move W_P more than three times as far as the median of
/// the others.
std::string influence_suggestion(const std::vector<ChildInfluence>& children);

}  // namespace genkidama::run
