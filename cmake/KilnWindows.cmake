# Whether this machine can compile for Windows: mingw-w64 with its zlib.
find_program(KILN_WINDOWS_CXX x86_64-w64-mingw32-g++-posix)
set(KILN_HAS_WINDOWS FALSE)
if(KILN_WINDOWS_CXX)
  execute_process(COMMAND ${KILN_WINDOWS_CXX} -print-file-name=libz.a OUTPUT_VARIABLE zlib OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(EXISTS ${zlib})
    set(KILN_HAS_WINDOWS TRUE)
  endif()
endif()
if(NOT KILN_HAS_WINDOWS)
  set(missing "g++-mingw-w64-x86-64-posix or libz-mingw-w64-dev is missing")
  if(KILN_TESTS)
    message(FATAL_ERROR "${missing}: install it, or set KILN_TESTS to OFF")
  endif()
  message(WARNING "${missing}, which fixtures/packages.sh windows installs: this kiln cannot build images of Windows")
endif()

# kiln_windows_program(NAME OUTPUT file.exe SOURCES ... LIBS ...)
# A program for Windows, cross-compiled by mingw-w64 as one static file: a target beside those of the
# host's compiler. Needs nothing of Windows but the libraries that LIBS names,
# kernel32 and msvcrt.
function(kiln_windows_program name)
  cmake_parse_arguments(ARG "" "OUTPUT" "SOURCES;LIBS" ${ARGN})
  set(flags -std=c++20 -Os -fno-exceptions -fno-rtti -ffunction-sections -fdata-sections
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast $<$<BOOL:${KILN_WERROR}>:-Werror>
    -municode -DUNICODE -DNOMINMAX -DWIN32_LEAN_AND_MEAN -D_WIN32_WINNT=0x0A00
    -DKILN_VERSION="${PROJECT_VERSION}" -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/= -I${CMAKE_SOURCE_DIR})
  set(objects)
  foreach(source IN LISTS ARG_SOURCES)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.dir/${source}.obj)
    cmake_path(GET object PARENT_PATH folder)
    file(MAKE_DIRECTORY ${folder})
    add_custom_command(OUTPUT ${object}
      COMMAND ${CMAKE_CXX_COMPILER_LAUNCHER} ${KILN_WINDOWS_CXX} ${flags} -MMD -MF ${object}.d
              -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
      DEPENDS ${source} DEPFILE ${object}.d VERBATIM COMMAND_EXPAND_LISTS)
    list(APPEND objects ${object})
  endforeach()
  add_custom_command(OUTPUT ${ARG_OUTPUT}
    COMMAND ${KILN_WINDOWS_CXX} -static -s -municode -Wl,--gc-sections ${objects} ${ARG_LIBS} -o ${ARG_OUTPUT}
    DEPENDS ${objects} VERBATIM)
  add_custom_target(${name} DEPENDS ${ARG_OUTPUT})
endfunction()
