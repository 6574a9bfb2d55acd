#pragma once

/// @file
/// Which symbols the shared libraries show. Everything is compiled with hidden visibility; what a public
/// header declares is visible, because its namespace says so:
///
///     namespace GENKIDAMA_EXPORT genkidama { ... }
///
/// So types thrown, cast to or derived from mean the same on both sides of the library's border.

#if defined(__cplusplus) && __cplusplus < 202002L
#error "Genkidama needs C++20: compile with -std=c++20 or newer"
#endif

/// Makes what it is written at part of a shared library's interface.
#define GENKIDAMA_EXPORT [[gnu::visibility("default")]]
