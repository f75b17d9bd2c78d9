# What only macOS has, against declarations and fakes of what it runs on. Its poller and its process lock
# run the tests of all pollers and process locks.
set(darwin ${CMAKE_CURRENT_LIST_DIR})

# tacit_add_darwin_test(NAME TEST SOURCE...): where it is among those that were asked for.
function(tacit_add_darwin_test name test)
    if(NOT name MATCHES "${TACIT_TESTS}")
        return()
    endif()
    set(sources ${test})
    tacit_filter_left_out(sources)
    if(NOT sources)
        return()
    endif()
    tacit_add_test(unit ${name} ${test} 30)
    target_sources(${name} PRIVATE ${ARGN})
    # Not for the tests of all, which want this system's own.
    set(private ${ARGN})
    if(test MATCHES "^${darwin}")
        list(APPEND private ${test})
    endif()
    set_property(SOURCE ${private} APPEND PROPERTY INCLUDE_DIRECTORIES ${darwin}/include)
endfunction()

set(unit ${CMAKE_CURRENT_SOURCE_DIR}/unit)
tacit_add_darwin_test(unit_store_keychain ${darwin}/test_store_keychain.c
    ${darwin}/fake_core_foundation.c ${darwin}/fake_keychain.c)
tacit_add_darwin_test(unit_os_darwin ${darwin}/test_os.c ${darwin}/fake_kqueue.c)
tacit_add_darwin_test(unit_thread_darwin ${darwin}/test_thread.c)
tacit_add_darwin_test(unit_os_browser_darwin ${darwin}/test_os_browser.c)
set(poller ${CMAKE_SOURCE_DIR}/platform/poller_darwin.c ${darwin}/fake_kqueue.c)
tacit_add_darwin_test(unit_poller_darwin ${darwin}/test_poller.c ${poller})
tacit_add_darwin_test(unit_poller_on_darwin ${unit}/test_poller.c ${poller})
set(process_lock ${darwin}/process_lock_on_linux.c)
tacit_add_darwin_test(unit_process_lock_darwin ${darwin}/test_process_lock.c ${process_lock})
foreach(test process_lock process_lock_open process_lock_processes)
    tacit_add_darwin_test(unit_${test}_on_darwin ${unit}/test_${test}.c ${process_lock})
endforeach()
