# One interface target carries the language standard, the warnings and the sanitizers.
option(FYKE_WERROR "Treat warnings as errors" OFF)
option(FYKE_COVERAGE "Instrument for gcov" OFF)
option(FYKE_FUZZ "Build the libFuzzer targets (clang only)" OFF)
set(has_fault_points OFF)
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(has_fault_points ON)
endif()
option(FYKE_FAULT_POINTS "Where tests let the process die (--fault)" ${has_fault_points})
set(FYKE_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined")

add_library(fyke_options INTERFACE)
target_compile_features(fyke_options INTERFACE c_std_17)
target_compile_definitions(fyke_options INTERFACE _GNU_SOURCE)
target_include_directories(fyke_options INTERFACE
  ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/include ${CMAKE_BINARY_DIR})
target_compile_options(fyke_options INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
  -Wundef -Wwrite-strings -Wswitch-enum -Wpointer-arith)
if(FYKE_FAULT_POINTS)
  target_compile_definitions(fyke_options INTERFACE FYKE_FAULT_POINTS)
endif()
if(FYKE_WERROR)
  target_compile_options(fyke_options INTERFACE -Werror)
endif()
if(FYKE_SANITIZE)
  target_compile_options(fyke_options INTERFACE
    -fsanitize=${FYKE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(fyke_options INTERFACE -fsanitize=${FYKE_SANITIZE})
endif()
if(FYKE_COVERAGE)
  target_compile_options(fyke_options INTERFACE --coverage)
  target_link_options(fyke_options INTERFACE --coverage)
endif()
if(FYKE_FUZZ)
  target_compile_options(fyke_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

configure_file(${CMAKE_SOURCE_DIR}/cmake/version.h.in ${CMAKE_BINARY_DIR}/fyke_version.h @ONLY)
