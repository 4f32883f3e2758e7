# Language level, warnings and the two functions every folder's CMakeLists uses.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

add_library(kiln_settings INTERFACE)
target_include_directories(kiln_settings INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(kiln_settings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast
  # GCC 12 sees overlapping copies in the library's own operator+ when it optimizes (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
if(KILN_WERROR)
  target_compile_options(kiln_settings INTERFACE -Werror)
endif()
target_compile_definitions(kiln_settings INTERFACE
  KILN_VERSION="${PROJECT_VERSION}" $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS> _FILE_OFFSET_BITS=64)

# kiln_library(NAME SOURCES a.cpp ... [PUBLIC libs...] [PRIVATE libs...])
# One static library per folder. What a header includes is PUBLIC, everything else PRIVATE, so the
# linker agrees with the layering test.
function(kiln_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC kiln_settings ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
endfunction()

# kiln_test(NAME LABEL unit|tool|appliance|guest|azure|e2e SOURCES ... LIBS ... [TIMEOUT seconds])
# A GoogleTest program registered test by test for `unit` and `tool`, and as one ctest entry for the
# labels where a single start of a virtual machine is shared by all its tests.
function(kiln_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;LIBS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE kiln_settings kiln_test_support ${ARG_LIBS}
    GTest::gmock GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE KILN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  if(ARG_LABEL STREQUAL "unit" OR ARG_LABEL STREQUAL "tool")
    # Agents that run on the host share its /run, and tests of time limits want the machine.
    string(COMPARE EQUAL ${ARG_LABEL} tool alone)
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST
      PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT} RUN_SERIAL ${alone})
  else()
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT}
      RUN_SERIAL $<NOT:$<STREQUAL:${ARG_LABEL},azure>>)
  endif()
endfunction()

# kiln_fuzz(NAME libs...): NAME_fuzz.cpp with the corpus fixtures/corpora/NAME; with KILN_FUZZ a
# libFuzzer program, and always a plain test that replays the corpus, so that g++ users cover it too.
function(kiln_fuzz name)
  set(fuzzer ${name}_fuzz)
  if(KILN_FUZZ)
    add_executable(${fuzzer} ${fuzzer}.cpp)
    target_link_libraries(${fuzzer} PRIVATE kiln_settings ${ARGN})
    target_link_options(${fuzzer} PRIVATE -fsanitize=fuzzer)
    set_property(GLOBAL APPEND PROPERTY KILN_FUZZERS ${fuzzer})
  endif()
  add_executable(${fuzzer}_replay ${fuzzer}.cpp ${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.cpp)
  target_link_libraries(${fuzzer}_replay PRIVATE kiln_settings ${ARGN})
  add_test(NAME fuzz.replay.${fuzzer}
    COMMAND ${fuzzer}_replay ${CMAKE_SOURCE_DIR}/fixtures/corpora/${name})
  set_tests_properties(fuzz.replay.${fuzzer} PROPERTIES LABELS unit TIMEOUT 60)
endfunction()
