#include "core/output_streams.h"

#include <cstdio>
#include <iostream>

#include "core/thread_count.h"

namespace genkidama {
namespace {

// Once a program's own streams were left alone, a process forked since may hold copies of what is in them.
bool own_streams_may_be_copies = false;

void flush_unless_in_use(std::FILE* stream) {
  if (::ftrylockfile(stream) != 0) return;
  ::fflush_unlocked(stream);
  ::funlockfile(stream);
}

}  // namespace

void flush_output_streams() noexcept {
  flush_standard_output();
  try {
    if (thread_count() > 1) own_streams_may_be_copies = true;
  } catch (...) {
    own_streams_may_be_copies = true;  // no memory to count
  }
  if (!own_streams_may_be_copies) std::fflush(nullptr);
}

void flush_standard_output() noexcept {
  for (std::ostream* const stream : {&std::cout, &std::cerr, &std::clog}) {
    try {
      stream->flush();
    } catch (...) {
      // The program asked its stream for exceptions; what could not be written is lost either way.
    }
  }
  flush_unless_in_use(stdout);
  flush_unless_in_use(stderr);
}

}  // namespace genkidama
