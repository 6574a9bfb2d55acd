# Finds MuJoCo: makes the target mujoco::mujoco, or sets genkidama_mujoco_problem. An installed package with the component
# mujoco includes this file too. It does not ask MuJoCo's own package file, because Debian's wants OpenGL and names a
# folder of libqhull-dev, and its package brings neither.

set(genkidama_mujoco_problem "")
if(NOT TARGET mujoco::mujoco)
  find_path(GENKIDAMA_MUJOCO_INCLUDE_DIR mujoco/mujoco.h)
  find_library(GENKIDAMA_MUJOCO_LIBRARY mujoco)
  mark_as_advanced(GENKIDAMA_MUJOCO_INCLUDE_DIR GENKIDAMA_MUJOCO_LIBRARY)
  if(GENKIDAMA_MUJOCO_INCLUDE_DIR AND GENKIDAMA_MUJOCO_LIBRARY)
    # Such as 222 for version 2.2.2.
    file(STRINGS "${GENKIDAMA_MUJOCO_INCLUDE_DIR}/mujoco/mujoco.h" line REGEX "define mjVERSION_HEADER")
    string(REGEX MATCH "[0-9]+" genkidama_mujoco_version "${line}")
    if(genkidama_mujoco_version GREATER_EQUAL 220 AND genkidama_mujoco_version LESS 300)
      add_library(mujoco::mujoco UNKNOWN IMPORTED)
      set_target_properties(
        mujoco::mujoco PROPERTIES IMPORTED_LOCATION "${GENKIDAMA_MUJOCO_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES
                                                                                  "${GENKIDAMA_MUJOCO_INCLUDE_DIR}")
      if(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL)
        set_target_properties(mujoco::mujoco PROPERTIES IMPORTED_GLOBAL TRUE)
      endif()
    else()
      set(genkidama_mujoco_problem "MuJoCo has version number '${genkidama_mujoco_version}', expected 2.2 to 2.3 (220 to 299)")
    endif()
  else()
    set(genkidama_mujoco_problem "MuJoCo was not found (Debian: libmujoco-dev)")
  endif()
endif()
