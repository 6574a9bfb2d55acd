# genkidama_embed_page(<folder> <output>)
# Writes a source file that holds page.html and page.css of the folder, and its scripts as one, as arrays. It is done
# when the build is configured, which a changed file of the folder brings about again.
function(genkidama_embed_page folder output)
  # Names are defined before they are used when a script is read.
  set(scripts format.js chart.js curves.js machines.js map.js agent.js log.js connection.js)
  list(TRANSFORM scripts PREPEND "${folder}/")
  genkidama_read_hex(html "${folder}/page.html")
  genkidama_read_hex(css "${folder}/page.css")
  genkidama_read_hex(js ${scripts})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${folder}/page.html" "${folder}/page.css" ${scripts})
  configure_file("${folder}/page_files.cpp.in" "${output}" @ONLY)
endfunction()

# genkidama_read_hex(<variable> <file>...)
# The bytes of all files, one after the other, as the elements of a C++ array.
function(genkidama_read_hex result)
  set(all "")
  foreach(file IN LISTS ARGN)
    file(READ "${file}" bytes HEX)
    string(APPEND all "${bytes}")
  endforeach()
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," all "${all}")
  set(${result} "${all}" PARENT_SCOPE)
endfunction()
