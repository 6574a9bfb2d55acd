#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

namespace genkidama {

/// Two names that a Child may be shown by begin alike so far; what follows may be cut for a "#2".
inline constexpr std::size_t kKeptOfName = 52;

/// What a Child that calls itself `own` is shown as: `own`, or while others have that "own#2", "own#3" and so
/// on, cut to kMaxNameBytes. `in_use` holds at least the names that begin with the first kKeptOfName
/// characters of `own`.
std::string shown_name(const std::string& own, const std::set<std::string>& in_use);

}  // namespace genkidama
