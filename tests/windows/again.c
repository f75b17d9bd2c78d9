/* support/again.h on Windows. */
#include "support/again.h"

#include "support/unit.h"

#include <windows.h>

#include <stdio.h>

#define COMMAND_MAX 2048

/* The arguments of tests hold neither quotes nor backslashes. */
void again_start(again *self, const char *const *arguments) {
    char path[MAX_PATH], command[COMMAND_MAX];
    STARTUPINFOA start = {.cb = sizeof start};
    PROCESS_INFORMATION started;
    size_t used = 0;

    assert_in_range(GetModuleFileNameA(NULL, path, MAX_PATH), 1, MAX_PATH - 1);
    used += (size_t)snprintf(command, sizeof command, "\"%s\"", path);
    for (size_t i = 0; arguments[i] != NULL && used < sizeof command; i++)
        used += (size_t)snprintf(command + used, sizeof command - used, " \"%s\"", arguments[i]);
    assert_true(used < sizeof command);
    assert_true(CreateProcessA(path, command, NULL, NULL, FALSE, 0, NULL, NULL, &start, &started));
    CloseHandle(started.hThread);
    self->process = (intptr_t)started.hProcess;
}

int again_wait(again *self) {
    HANDLE process = (HANDLE)self->process;
    DWORD status = 0;

    assert_int_equal(WaitForSingleObject(process, INFINITE), WAIT_OBJECT_0);
    assert_true(GetExitCodeProcess(process, &status));
    CloseHandle(process);
    return (int)status;
}
