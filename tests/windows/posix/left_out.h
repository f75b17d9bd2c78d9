/* Between a test program and cmocka: what is on the list of what does not run here is not run, or has to fail. */
#ifndef TS_LEFT_OUT_H
#define TS_LEFT_OUT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define _cmocka_run_group_tests ts_run_group_tests

int ts_run_group_tests(const char *group, const struct CMUnitTest *tests, size_t count,
                       CMFixtureFunction set_up, CMFixtureFunction tear_down);

#endif
