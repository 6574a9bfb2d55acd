#pragma once

// What messages for people call the two ends of a link.

#include "genkidama/params/exchange_kind.h"

namespace genkidama {

struct RoleWords {
  const char* parent;      ///< before a message of its own
  const char* child;       ///< the same
  const char* the_parent;  ///< in a sentence, behind "the" or "this"
  const char* the_child;   ///< the same
};

/// Where segments are exchanged, the Parent is a learner and its Children are actors.
inline constexpr RoleWords role_words(ExchangeKind kind) {
  if (kind == ExchangeKind::kSegments) return {"learner", "actor", "learner", "actor"};
  return {"parent", "child", "Parent", "Child"};
}

/// A Parent that is a Child of another one.
inline constexpr RoleWords kUpperParentWords = {"upper parent", "parent", "upper Parent", "Parent"};

}  // namespace genkidama
