#pragma once

#include "genkidama/net/child.h"

namespace genkidama {

/// The options as they are. Throws ArgumentError for what no Child can do.
ChildOptions checked_child_options(ChildOptions options);

}  // namespace genkidama
