#pragma once

/// @file
/// Which symbols the shared libraries export. Everything is compiled with hidden visibility. A public header
/// exports what it declares by its namespace:
///
///     namespace GENKIDAMA_EXPORT genkidama { ... }
///
/// Types that are thrown, cast to or derived from are therefore the same on both sides of the library's
/// border.

#if defined(__cplusplus) && __cplusplus < 202002L
#error "Genkidama needs C++20: compile with -std=c++20 or newer"
#endif

/// Exports the namespace, class or function that it is written at.
#define GENKIDAMA_EXPORT [[gnu::visibility("default")]]
