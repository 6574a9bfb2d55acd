# Everything comes from the system's package manager (scripts/install-deps); nothing is downloaded.

# A project that adds this one as a subdirectory links these targets too and must see them (CMake 3.24 or newer).
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_package(box2d REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)
find_package(CLI11 REQUIRED)
if(GENKIDAMA_TLS)
  find_package(OpenSSL 3.0 REQUIRED)
endif()
if(GENKIDAMA_LIBTORCH)
  find_package(Torch REQUIRED)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND Torch_VERSION VERSION_LESS 2)
    message(FATAL_ERROR "Clang does not compile LibTorch ${Torch_VERSION} as C++20 (its c10::List holds an incomplete type). "
                        "Take GCC, a later LibTorch, or -DGENKIDAMA_LIBTORCH=OFF.")
  endif()
endif()
if(GENKIDAMA_BUILD_BENCHMARKS)
  find_package(benchmark REQUIRED)
endif()

find_package(PkgConfig REQUIRED)
pkg_check_modules(GENKIDAMA_XXHASH REQUIRED IMPORTED_TARGET GLOBAL libxxhash)
# On x86 the library may also hold versions for wider vectors, chosen at run time; not everybody builds it with them.
include(CheckCXXSourceCompiles)
set(CMAKE_REQUIRED_LIBRARIES PkgConfig::GENKIDAMA_XXHASH)
check_cxx_source_compiles("#include <xxh_x86dispatch.h>\nint main() { return static_cast<int>(XXH3_64bits(nullptr, 0)); }"
                          GENKIDAMA_XXHASH_DISPATCHES)
unset(CMAKE_REQUIRED_LIBRARIES)
