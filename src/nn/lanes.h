#pragma once

// Vectors of floats, each as wide as one register: four lanes of SSE or NEON, eight of AVX, sixteen of
// AVX-512. (A compiler also takes wider ones than the target has, but keeps them in memory.) For kernels
// only. Everything that takes them is inlined into the function of one version, hence GENKIDAMA_INLINE, and
// takes them by reference or pointer: as a return value they would be part of the binary interface, which
// differs with the target.

#include <cstddef>

namespace genkidama {

#define GENKIDAMA_INLINE [[gnu::always_inline]] inline

template <std::size_t kWidth>
struct Vectors;

template <>
struct Vectors<4> {
  using Floats = float __attribute__((vector_size(16)));
  using Ints = int __attribute__((vector_size(16)));
};

template <>
struct Vectors<8> {
  using Floats = float __attribute__((vector_size(32)));
  using Ints = int __attribute__((vector_size(32)));
};

template <>
struct Vectors<16> {
  using Floats = float __attribute__((vector_size(64)));
  using Ints = int __attribute__((vector_size(64)));
};

template <std::size_t kWidth>
using FloatLanes = typename Vectors<kWidth>::Floats;

template <std::size_t kWidth>
using IntLanes = typename Vectors<kWidth>::Ints;

// Reads and writes anywhere in an array of floats. Compilers heed the alignment of an alias only where it is
// written like this, outside of templates, and in a plain assignment; GCC 12 makes integers of 128 bits of
// std::memcpy() on arm64, and keeps sums in memory for their sake.
#define GENKIDAMA_LANES_IN_ARRAYS(width)                                     \
  GENKIDAMA_INLINE void load(const float* from, FloatLanes<width>& lanes) {  \
    using Unaligned [[gnu::aligned(4), gnu::may_alias]] = FloatLanes<width>; \
    lanes = *reinterpret_cast<const Unaligned*>(from);                       \
  }                                                                          \
  GENKIDAMA_INLINE void store(float* to, const FloatLanes<width>& lanes) {   \
    using Unaligned [[gnu::aligned(4), gnu::may_alias]] = FloatLanes<width>; \
    *reinterpret_cast<Unaligned*>(to) = lanes;                               \
  }

GENKIDAMA_LANES_IN_ARRAYS(4)
GENKIDAMA_LANES_IN_ARRAYS(8)
GENKIDAMA_LANES_IN_ARRAYS(16)

}  // namespace genkidama
