# Compiler settings of this project's own targets; nothing here reaches a user who links them.

add_library(genkidama_build_options INTERFACE)
target_compile_options(
  genkidama_build_options
  INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
            -Woverloaded-virtual)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these inside its own and LibTorch's headers once inlined.
  target_compile_options(genkidama_build_options INTERFACE -Wno-maybe-uninitialized)
endif()
if(GENKIDAMA_WARNINGS_AS_ERRORS)
  target_compile_options(genkidama_build_options INTERFACE -Werror)
endif()

# Sanitizers apply to everything that is compiled here, so that no target is left out.
if(GENKIDAMA_SANITIZER STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
elseif(GENKIDAMA_SANITIZER STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(NOT GENKIDAMA_SANITIZER STREQUAL "")
  message(FATAL_ERROR "GENKIDAMA_SANITIZER is '${GENKIDAMA_SANITIZER}'; expected empty, 'address' or 'thread'")
endif()
if(GENKIDAMA_SANITIZER AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Instrumentation defeats the flow analysis behind these warnings (false positives in system headers).
  target_compile_options(genkidama_build_options INTERFACE -Wno-tsan -Wno-stringop-overflow -Wno-array-bounds)
endif()

if(GENKIDAMA_USE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(GENKIDAMA_CCACHE ccache)
  if(GENKIDAMA_CCACHE)
    # A precompiled header can be cached only with these; the build directory must not matter.
    set(CMAKE_CXX_COMPILER_LAUNCHER
        "${CMAKE_COMMAND};-E;env;CCACHE_SLOPPINESS=pch_defines,time_macros;CCACHE_NOHASHDIR=1;${GENKIDAMA_CCACHE}")
  endif()
endif()
