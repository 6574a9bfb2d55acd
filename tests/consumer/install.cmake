# Installs the build in BUILD, and moves it to PREFIX: an installed Genkidama works wherever it lies. With CONFIGURE, a
# list of arguments, configures and builds it before.
if(CONFIGURE)
  execute_process(COMMAND "${CMAKE_COMMAND}" ${CONFIGURE} -B "${BUILD}" COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND "${CMAKE_COMMAND}" --build "${BUILD}" COMMAND_ERROR_IS_FATAL ANY)
endif()
file(REMOVE_RECURSE "${PREFIX}" "${PREFIX}.staged")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${PREFIX}.staged" OUTPUT_QUIET
                        COMMAND_ERROR_IS_FATAL ANY)
file(RENAME "${PREFIX}.staged" "${PREFIX}")
