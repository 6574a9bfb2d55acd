# `cmake --install`: the components Runtime (shared libraries), Development (headers, package files, static libraries),
# the same of what needs LibTorch in RuntimeTorch and DevelopmentTorch and of what needs MuJoCo in RuntimeMujoco and
# DevelopmentMujoco, Examples (examples/CMakeLists.txt) and Tool (src/tool/CMakeLists.txt).
# docs/install.md tells users.

include(CMakePackageConfigHelpers)
foreach(directory LIBDIR BINDIR INCLUDEDIR DATADIR)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${directory}}")
    message(FATAL_ERROR "CMAKE_INSTALL_${directory} is '${CMAKE_INSTALL_${directory}}'; expected a path below the "
                        "prefix, because an installed Genkidama may be moved")
  endif()
endforeach()
set(GENKIDAMA_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/genkidama")
set(GENKIDAMA_PKGCONFIG_DIR "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

# One export set for each component of the package, so that who asks for one needs nothing of the others.
function(genkidama_install_library target component runtime development)
  install(
    TARGETS ${target}
    EXPORT genkidama-${component}
    RUNTIME COMPONENT ${runtime}
    LIBRARY COMPONENT ${runtime} NAMELINK_COMPONENT ${development}
    ARCHIVE COMPONENT ${development})
  # The libraries find one another wherever they lie; nothing else is looked for beside them.
  set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN")
  install(
    EXPORT genkidama-${component}
    FILE genkidama-${component}-targets.cmake
    NAMESPACE genkidama::
    DESTINATION "${GENKIDAMA_CMAKE_DIR}"
    COMPONENT ${development})
endfunction()

# genkidama_install_pkg_config(<name> <component>): from cmake/<name>.pc.in.
function(genkidama_install_pkg_config name component)
  # From the directory of the file to the prefix, so that the whole tree may be moved.
  file(RELATIVE_PATH up "/prefix/${GENKIDAMA_PKGCONFIG_DIR}" "/prefix")
  string(REGEX REPLACE "/$" "" up "${up}")
  set(GENKIDAMA_PC_PREFIX "\${pcfiledir}/${up}")
  if(GENKIDAMA_DEBIAN_PACKAGES)
    # Not moved; so pkg-config sees that these are the system's own folders.
    set(GENKIDAMA_PC_PREFIX /usr)
  endif()
  configure_file("${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in" "${PROJECT_BINARY_DIR}/pkgconfig/${name}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/pkgconfig/${name}.pc" DESTINATION "${GENKIDAMA_PKGCONFIG_DIR}"
          COMPONENT ${component})
endfunction()

# Whoever links a static library links what it uses.
set(GENKIDAMA_PC_CORE_REQUIRES "fmt")
set(GENKIDAMA_PC_CORE_LIBS "")
if(NOT BUILD_SHARED_LIBS)
  string(APPEND GENKIDAMA_PC_CORE_REQUIRES ", box2d, libxxhash")
  if(GENKIDAMA_TLS)
    string(APPEND GENKIDAMA_PC_CORE_REQUIRES ", libssl, libcrypto")
  endif()
  if(genkidama_with_gif)
    # Not every giflib has a pkg-config file.
    set(GENKIDAMA_PC_CORE_LIBS " -lgif")
  endif()
endif()

genkidama_install_library(genkidama_core core Runtime Development)
genkidama_install_pkg_config(genkidama-core Development)
genkidama_install_library(genkidama_cli cli Runtime Development)
genkidama_install_pkg_config(genkidama-cli Development)
if(GENKIDAMA_LIBTORCH)
  genkidama_install_library(genkidama torch RuntimeTorch DevelopmentTorch)
  # LibTorch has no pkg-config file of its own.
  get_target_property(directories torch INTERFACE_INCLUDE_DIRECTORIES)
  list(REMOVE_ITEM directories ${CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES})
  list(TRANSFORM directories PREPEND "-I")
  list(JOIN directories " " GENKIDAMA_PC_TORCH_CFLAGS)
  foreach(root IN LISTS CMAKE_SYSROOT CMAKE_FIND_ROOT_PATH)
    string(REPLACE "${root}" "" GENKIDAMA_PC_TORCH_CFLAGS "${GENKIDAMA_PC_TORCH_CFLAGS}")
  endforeach()
  set(GENKIDAMA_PC_TORCH_LIBS "-ltorch -ltorch_cpu -lc10")
  get_filename_component(directory "${TORCH_LIBRARY}" DIRECTORY)
  if(NOT directory IN_LIST CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES)
    string(PREPEND GENKIDAMA_PC_TORCH_LIBS "-L${directory} ")
  endif()
  genkidama_install_pkg_config(genkidama DevelopmentTorch)
endif()

if(genkidama_with_mujoco)
  genkidama_install_library(genkidama_mujoco mujoco RuntimeMujoco DevelopmentMujoco)
  # MuJoCo has no pkg-config file of its own, and no public header includes it.
  set(GENKIDAMA_PC_MUJOCO_LIBS "")
  if(NOT BUILD_SHARED_LIBS)
    set(GENKIDAMA_PC_MUJOCO_LIBS "-lmujoco")
  endif()
  genkidama_install_pkg_config(genkidama-mujoco DevelopmentMujoco)
  install(FILES "${PROJECT_SOURCE_DIR}/cmake/GenkidamaMujoco.cmake" DESTINATION "${GENKIDAMA_CMAKE_DIR}"
          COMPONENT DevelopmentMujoco)
endif()

if(GENKIDAMA_MPI)
  genkidama_install_library(genkidama_mpi mpi RuntimeMpi DevelopmentMpi)
  # Programs that link a static library find MPI themselves: with CMake, or with mpicxx.
  genkidama_install_pkg_config(genkidama-mpi DevelopmentMpi)
endif()

install(
  DIRECTORY "${PROJECT_SOURCE_DIR}/include/genkidama"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  COMPONENT Development
  FILES_MATCHING
  PATTERN "*.h"
  REGEX "/include/genkidama/(libtorch|mpi|mujoco)$" EXCLUDE)
if(genkidama_with_mujoco)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/genkidama/mujoco"
          DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/genkidama" COMPONENT DevelopmentMujoco)
endif()
if(GENKIDAMA_MPI)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/genkidama/mpi"
          DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/genkidama" COMPONENT DevelopmentMpi)
endif()
if(GENKIDAMA_LIBTORCH)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/genkidama/libtorch"
          DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/genkidama" COMPONENT DevelopmentTorch)
endif()
install(FILES "${PROJECT_BINARY_DIR}/include/genkidama/core/version.h"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/genkidama/core" COMPONENT Development)

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/genkidama-config.cmake.in"
                              "${PROJECT_BINARY_DIR}/genkidama-config.cmake"
                              INSTALL_DESTINATION "${GENKIDAMA_CMAKE_DIR}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/genkidama-config-version.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/genkidama-config.cmake" "${PROJECT_BINARY_DIR}/genkidama-config-version.cmake"
        DESTINATION "${GENKIDAMA_CMAKE_DIR}" COMPONENT Development)
