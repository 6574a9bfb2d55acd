#pragma once

namespace genkidama {

/// How many threads this process has, this one included; 1 where /proc does not tell.
int thread_count();

}  // namespace genkidama
