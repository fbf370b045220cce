# re2c and lemon run at build time; their output lies in the build tree and is never committed.
find_program(RE2C_EXECUTABLE re2c REQUIRED)
find_program(LEMON_EXECUTABLE lemon REQUIRED)

# fyke_re2c(<var> <file.re>): appends the generated C file to <var>.
function(fyke_re2c var source)
  get_filename_component(name ${source} NAME_WE)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${name}.re.c)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${RE2C_EXECUTABLE} -W -Werror --no-generation-date -i
            -o ${out} ${CMAKE_CURRENT_SOURCE_DIR}/${source}
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${source}
    COMMENT "re2c ${source}" VERBATIM)
  set(${var} ${${var}} ${out} PARENT_SCOPE)
endfunction()

# fyke_lemon(<var> <file.y>): appends the generated C file to <var>; the token header lies beside
# it in the build tree (include it as "<folder>/<name>.h"). A conflict fails the build.
function(fyke_lemon var source)
  get_filename_component(name ${source} NAME_WE)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${name}.c)
  add_custom_command(
    OUTPUT ${out} ${CMAKE_CURRENT_BINARY_DIR}/${name}.h
    BYPRODUCTS ${CMAKE_CURRENT_BINARY_DIR}/${name}.out
    COMMAND ${LEMON_EXECUTABLE} -l -d${CMAKE_CURRENT_BINARY_DIR}
            ${CMAKE_CURRENT_SOURCE_DIR}/${source}
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${source}
    COMMENT "lemon ${source}" VERBATIM)
  # lemon's template is not ours to fix.
  set_source_files_properties(${out} PROPERTIES COMPILE_OPTIONS
    "-Wno-unused-parameter;-Wno-unused-variable;-Wno-missing-prototypes;-Wno-unused-function;-Wno-conversion;-Wno-sign-conversion;-Wno-sign-compare;-Wno-shadow;-Wno-switch-enum;-Wno-strict-prototypes")
  set(${var} ${${var}} ${out} PARENT_SCOPE)
endfunction()
