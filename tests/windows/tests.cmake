# The tests on Windows: what they use of POSIX comes from posix/, and what does not run is in left_out.txt.
set(windows ${CMAKE_CURRENT_LIST_DIR})
set(left_out_list ${windows}/left_out.txt)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${left_out_list})

# Programs of a line "name * builds_not": what they are about is not there.
file(STRINGS ${left_out_list} not_built REGEX "^[a-z_0-9]+ +\\* +not_built")
list(TRANSFORM not_built REPLACE " .*" "")
list(JOIN not_built "|" not_built)
set(tests_not_built "^(${not_built})$")

# What of support/ starts other programs, or makes certificates.
set(support_not_built "/(again|app|app_commands|app_load|apps|cli|crash|device|fixture_run|fixture_tls|kernel_keys|keyring|keyring_proxy|\
plain_store|redis|system_refusal|system_faults)\\.c$")

set(support_built_instead ${windows}/again.c)

add_library(tacit_test_posix STATIC
    ${windows}/posix/crypto.c ${windows}/posix/left_out.c ${windows}/posix/posix.c)
target_include_directories(tacit_test_posix SYSTEM PUBLIC ${windows}/posix)
target_compile_definitions(tacit_test_posix PRIVATE TS_LEFT_OUT="${left_out_list}")
target_link_libraries(tacit_test_posix PUBLIC PkgConfig::CMOCKA bcrypt crypt32 ws2_32 z)
file(GLOB own CONFIGURE_DEPENDS ${windows}/test_*.c)
set_source_files_properties(${own} PROPERTIES COMPILE_DEFINITIONS TS_FOR_WINDOWS)
# cmocka.h says printf where it means C's.
target_compile_options(tacit_test_posix INTERFACE
    "SHELL:-include posix.h" "SHELL:-include left_out.h" -Wno-format -Wno-format-extra-args)
