#pragma once

// What a program has printed and its streams still hold, where processes fork and end by _exit().

namespace genkidama {

/// Writes out what the output streams of this process hold, so that a fork does not double it and an _exit()
/// does not lose it. Streams that another thread uses are left alone: to wait for such a stream might last
/// for ever. Streams of the program's own (its FILE objects) are written out only when this process has one
/// thread, and only if the same held for each process that it was forked from.
void flush_output_streams() noexcept;

/// Does so for standard output and standard error only. Needs no memory.
void flush_standard_output() noexcept;

}  // namespace genkidama
