# What the toolchain files beside this one share: Debian's cross compiler, and a folder with the board's headers and
# libraries. scripts/make-sysroot makes that folder; another is named by -DGENKIDAMA_SYSROOT=DIR or the environment's
# GENKIDAMA_SYSROOT.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${GENKIDAMA_TARGET_PROCESSOR})

if(NOT GENKIDAMA_SYSROOT)
  if(DEFINED ENV{GENKIDAMA_SYSROOT})
    set(default "$ENV{GENKIDAMA_SYSROOT}")
  else()
    get_filename_component(default "${CMAKE_CURRENT_LIST_DIR}/../../build/sysroot-${GENKIDAMA_TARGET_ARCH}" ABSOLUTE)
  endif()
  set(GENKIDAMA_SYSROOT "${default}" CACHE PATH "Headers and libraries of the board's system")
endif()
# CMake's small test projects read this file too, without its cache.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES GENKIDAMA_SYSROOT)
if(NOT IS_DIRECTORY "${GENKIDAMA_SYSROOT}/usr/include")
  message(
    FATAL_ERROR
      "There is no ${GENKIDAMA_TARGET_ARCH} sysroot at '${GENKIDAMA_SYSROOT}' (no usr/include in it). Make one with "
      "'scripts/make-sysroot ${GENKIDAMA_TARGET_ARCH}', or name a copy of a board's file system by "
      "-DGENKIDAMA_SYSROOT=DIR or the environment variable GENKIDAMA_SYSROOT.")
endif()
set(CMAKE_SYSROOT "${GENKIDAMA_SYSROOT}")

set(CMAKE_C_COMPILER ${GENKIDAMA_TARGET_TRIPLE}-gcc)
set(CMAKE_CXX_COMPILER ${GENKIDAMA_TARGET_TRIPLE}-g++)
foreach(compiler ${CMAKE_C_COMPILER} ${CMAKE_CXX_COMPILER})
  find_program(GENKIDAMA_FOUND_${compiler} ${compiler})
  if(NOT GENKIDAMA_FOUND_${compiler})
    message(FATAL_ERROR "The cross compiler ${compiler} is missing. On Debian: apt install g++-${GENKIDAMA_TARGET_TRIPLE}")
  endif()
endforeach()

# Programs of this machine, everything else of the board.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_LIBRARY_ARCHITECTURE ${GENKIDAMA_TARGET_TRIPLE})
set(ENV{PKG_CONFIG_DIR} "")
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${GENKIDAMA_SYSROOT}")
set(ENV{PKG_CONFIG_LIBDIR}
    "${GENKIDAMA_SYSROOT}/usr/lib/${GENKIDAMA_TARGET_TRIPLE}/pkgconfig:${GENKIDAMA_SYSROOT}/usr/share/pkgconfig")

# Lets ctest run the tests. LibTorch's BLAS lies where Debian's "alternatives" would have linked to on the board.
find_program(GENKIDAMA_EMULATOR NAMES ${GENKIDAMA_TARGET_EMULATOR})
if(GENKIDAMA_EMULATOR)
  set(blas "/usr/lib/${GENKIDAMA_TARGET_TRIPLE}")
  set(CMAKE_CROSSCOMPILING_EMULATOR
      "${GENKIDAMA_EMULATOR};-L;${GENKIDAMA_SYSROOT};-E;LD_LIBRARY_PATH=${blas}/openblas-pthread:${blas}/blas:${blas}/lapack")
endif()
