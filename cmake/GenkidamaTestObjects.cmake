# For tests/consumer only. GENKIDAMA_TEST_OBJECTS names another build directory with the same compiler and flags: the
# libraries are linked from its objects instead of compiling the same again. The module core is still compiled, so that
# include paths and flags are tried.

foreach(target genkidama_core genkidama genkidama_mujoco genkidama_mpi genkidama_cli)
  if(NOT TARGET ${target})
    continue()
  endif()
  get_target_property(sources ${target} SOURCES)
  set(taken "")
  foreach(source IN LISTS sources)
    file(RELATIVE_PATH name "${CMAKE_CURRENT_SOURCE_DIR}" "${source}")
    # One that is written when the build is configured.
    string(FIND "${source}" "${CMAKE_CURRENT_BINARY_DIR}/" written)
    if(written EQUAL 0)
      file(RELATIVE_PATH name "${CMAKE_CURRENT_BINARY_DIR}" "${source}")
    endif()
    if(NOT name MATCHES "^core/")
      set(source "${GENKIDAMA_TEST_OBJECTS}/src/CMakeFiles/${target}.dir/${name}.o")
      if(NOT EXISTS "${source}")
        message(FATAL_ERROR "GENKIDAMA_TEST_OBJECTS: there is no '${source}'; expected a build directory in which "
                            "${target} was built")
      endif()
    endif()
    list(APPEND taken "${source}")
  endforeach()
  set_target_properties(${target} PROPERTIES SOURCES "${taken}" LINKER_LANGUAGE CXX)
endforeach()
