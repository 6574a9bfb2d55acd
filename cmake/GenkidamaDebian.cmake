# Debian packages by cpack, one for each component of cmake/GenkidamaInstall.cmake. scripts/package calls this with the
# options it takes: shared libraries below /usr, no run paths.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME genkidama)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each package has its own
set(CPACK_PACKAGE_CONTACT "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
                                                WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SOURCE genkidama)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${CPACK_PACKAGE_CONTACT}")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# What the programs and libraries need is found out from them; the packages of one build belong together.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${PROJECT_BINARY_DIR}/src")
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)

# Every package has to have its changelog and copyright.
execute_process(COMMAND date -R OUTPUT_VARIABLE GENKIDAMA_PACKAGE_DATE OUTPUT_STRIP_TRAILING_WHITESPACE)
set(documents "${PROJECT_BINARY_DIR}/packaging")
configure_file("${PROJECT_SOURCE_DIR}/packaging/changelog.in" "${documents}/changelog.Debian" @ONLY)
configure_file("${PROJECT_SOURCE_DIR}/CHANGELOG.md" "${documents}/changelog" COPYONLY)
execute_process(COMMAND gzip -9nf changelog changelog.Debian WORKING_DIRECTORY "${documents}" COMMAND_ERROR_IS_FATAL ANY)

# genkidama_debian_package(<component> <package> <section> <summary> <description> [DEPENDS <component>...]
#                          [PACKAGES <package>...] [LIBRARIES <name without suffix>...])
function(genkidama_debian_package component package section summary description)
  cmake_parse_arguments(ARG "" "" "DEPENDS;PACKAGES;LIBRARIES" ${ARGN})
  string(TOUPPER "${component}" upper)
  list(JOIN ARG_PACKAGES ", " packages)
  set(CPACK_COMPONENT_${upper}_DEPENDS "${ARG_DEPENDS}" PARENT_SCOPE)
  set(CPACK_COMPONENT_${upper}_DESCRIPTION "${summary}\n${description}" PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME "${package}" PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION "${section}" PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS "${packages}" PARENT_SCOPE)
  install(FILES "${PROJECT_SOURCE_DIR}/packaging/copyright" "${documents}/changelog.gz" "${documents}/changelog.Debian.gz"
          DESTINATION "share/doc/${package}" COMPONENT ${component})
  # What a program that is linked to its libraries depends on; the linker's cache takes note of them.
  if(ARG_LIBRARIES)
    set(control "${documents}/${package}")
    file(WRITE "${control}/triggers" "activate-noawait ldconfig\n")
    file(WRITE "${control}/shlibs" "")
    foreach(library IN LISTS ARG_LIBRARIES)
      file(APPEND "${control}/shlibs" "${library} ${GENKIDAMA_ABI_VERSION} ${package} (>= ${PROJECT_VERSION})\n")
    endforeach()
    set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA "${control}/triggers;${control}/shlibs" PARENT_SCOPE)
  endif()
  set(CPACK_COMPONENTS_ALL ${CPACK_COMPONENTS_ALL} ${component} PARENT_SCOPE)
endfunction()

set(about "Genkidama trains deep reinforcement-learning agents on many small machines\n\
by averaging their networks' weights over WebSockets.\n")
set(CPACK_COMPONENTS_ALL "")
# Of its own, so that a Parent, or a board that trains a bundled network, does without LibTorch.
genkidama_debian_package(
  Runtime libgenkidama-core libs "distributed deep reinforcement learning, without LibTorch"
  "${about}This package holds the libraries that all its programs need."
  LIBRARIES libgenkidama_core libgenkidama_cli)
genkidama_debian_package(
  Examples genkidama-examples science "distributed deep reinforcement learning, examples"
  "${about}This package holds the programs lunar_lander and cart_pole, and the\n\
sources of all examples."
  DEPENDS Runtime)
if(GENKIDAMA_BUILD_TOOL)
  genkidama_debian_package(
    Tool genkidama science "distributed deep reinforcement learning, the tool"
    "${about}This package holds the program genkidama, which trains bundled tasks by\n\
name, environments in shared objects, and environments in Python."
    DEPENDS Runtime)
  set(CPACK_DEBIAN_TOOL_PACKAGE_RECOMMENDS "python3, python3-numpy")
endif()
genkidama_debian_package(
  Development libgenkidama-dev libdevel "distributed deep reinforcement learning, headers"
  "${about}This package holds what it takes to build programs with it: headers,\n\
CMake's and pkg-config's files. Networks made of LibTorch's modules need\n\
libgenkidama-torch-dev as well."
  DEPENDS Runtime PACKAGES libfmt-dev)
if(GENKIDAMA_LIBTORCH)
  genkidama_debian_package(
    RuntimeTorch libgenkidama libs "distributed deep reinforcement learning, with LibTorch"
    "${about}This package holds the library for networks made of LibTorch's modules."
    DEPENDS Runtime LIBRARIES libgenkidama)
  # Of its own, since LibTorch's headers bring a gigabyte along.
  genkidama_debian_package(
    DevelopmentTorch libgenkidama-torch-dev libdevel "distributed deep reinforcement learning, headers for LibTorch"
    "${about}This package holds what it takes to build programs with networks made of\n\
LibTorch's modules, in addition to libgenkidama-dev."
    DEPENDS Development RuntimeTorch PACKAGES libtorch-dev)
endif()
if(genkidama_with_mujoco)
  genkidama_debian_package(
    RuntimeMujoco libgenkidama-mujoco libs "distributed deep reinforcement learning, with MuJoCo"
    "${about}This package holds the library for environments that MuJoCo plays."
    DEPENDS Runtime LIBRARIES libgenkidama_mujoco)
  genkidama_debian_package(
    DevelopmentMujoco libgenkidama-mujoco-dev libdevel "distributed deep reinforcement learning, headers for MuJoCo"
    "${about}This package holds what it takes to build programs with environments that\n\
MuJoCo plays, in addition to libgenkidama-dev."
    DEPENDS Development RuntimeMujoco)
endif()
if(genkidama_with_python)
  # It holds the libraries itself. A compiled module belongs to one version of Python.
  math(EXPR next_python "${Python3_VERSION_MINOR} + 1")
  genkidama_debian_package(
    Python python3-genkidama python "distributed deep reinforcement learning, for Python"
    "${about}This package holds the Python package genkidama, which trains, evaluates\n\
and plays."
    PACKAGES "python3 (>= ${Python3_VERSION_MAJOR}.${Python3_VERSION_MINOR})"
             "python3 (<< ${Python3_VERSION_MAJOR}.${next_python})" python3-numpy)
endif()
include(CPack)
