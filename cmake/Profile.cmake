# Builds that are guided by a profile (gcc). RECORD builds commands that count how often each branch is taken, into
# FYKE_PROFILE_DIR when they end; USE builds by these counts. What no count was taken of is built as without them,
# and so is, with a warning, a function that has changed since.
# Both in one build directory: a count is found by the path of its object.
set(FYKE_PROFILE "" CACHE STRING "RECORD a profile, or USE the one that was recorded (gcc)")
set(FYKE_PROFILE_DIR "${CMAKE_SOURCE_DIR}/build/profile" CACHE PATH "Where the profile lies")
set_property(CACHE FYKE_PROFILE PROPERTY STRINGS "" RECORD USE)

if(FYKE_PROFILE AND NOT CMAKE_C_COMPILER_ID STREQUAL "GNU")
  message(FATAL_ERROR "FYKE_PROFILE=${FYKE_PROFILE} needs gcc, this is ${CMAKE_C_COMPILER_ID}")
endif()
if(FYKE_PROFILE STREQUAL "RECORD")
  set(profile_options -fprofile-generate=${FYKE_PROFILE_DIR} -fprofile-update=prefer-atomic)
elseif(FYKE_PROFILE STREQUAL "USE")
  file(GLOB recorded LIST_DIRECTORIES false ${FYKE_PROFILE_DIR}/*.gcda)
  if(NOT recorded)
    message(FATAL_ERROR "no profile in ${FYKE_PROFILE_DIR}: scripts/build-shipped records one")
  endif()
  set(profile_options -fprofile-use=${FYKE_PROFILE_DIR} -fprofile-partial-training
    -fprofile-reproducible=multithreaded -Wno-missing-profile -Wno-error=coverage-mismatch)
elseif(FYKE_PROFILE)
  message(FATAL_ERROR "FYKE_PROFILE is ${FYKE_PROFILE}; it may be RECORD or USE")
endif()
if(FYKE_PROFILE)
  target_compile_options(fyke_options INTERFACE ${profile_options})
  target_link_options(fyke_options INTERFACE ${profile_options})
endif()
