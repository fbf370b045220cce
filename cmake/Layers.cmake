# fyke_layer(<name> SOURCES … [LINK …] [COLD REGEX]): a static library of one top-level folder. COLD: sources that events do
# not pass through; the others a build by a profile makes faster at the price of their size.
function(fyke_layer name)
  cmake_parse_arguments(ARG "" "COLD" "SOURCES;LINK" ${ARGN})
  add_library(fyke_${name} STATIC ${ARG_SOURCES})
  if(ARG_COLD AND FYKE_PROFILE)
    list(FILTER ARG_SOURCES EXCLUDE REGEX "${ARG_COLD}")
    set_property(SOURCE ${ARG_SOURCES} APPEND PROPERTY COMPILE_OPTIONS -O3)
  endif()
  target_link_libraries(fyke_${name} PUBLIC fyke_options ${ARG_LINK})
endfunction()

# fyke_unit_test(<name> LINK … [SOURCES …]): tests/unit/test_<name>.c, ctest name unit.<name>.
function(fyke_unit_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(test_${name} ${CMAKE_SOURCE_DIR}/tests/unit/test_${name}.c ${ARG_SOURCES})
  target_link_libraries(test_${name} PRIVATE fyke_options ${ARG_LINK} PkgConfig::CMOCKA)
  add_test(NAME unit.${name} COMMAND test_${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(unit.${name} PROPERTIES LABELS unit TIMEOUT 600)
endfunction()
