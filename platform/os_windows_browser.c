#include "platform/os.h"

#include "platform/windows_translate.h"

#include <windows.h>

#include <objbase.h>
#include <shellapi.h>

#include <errno.h>
#include <stdlib.h>

/* The program that the user chose for the URL's scheme gets it as one argument: no command line of ours is read by anybody. Without a
 * message loop on this thread the start has to be over before it returns (SEE_MASK_NOASYNC), and what goes wrong is said here, not
 * in a dialog. */
static bool show(const wchar_t *url) {
    SHELLEXECUTEINFOW start = {.cbSize = sizeof start,
                               .fMask = SEE_MASK_NOASYNC | SEE_MASK_FLAG_NO_UI,
                               .lpVerb = L"open",
                               .lpFile = url,
                               .nShow = SW_SHOWNORMAL};
    if (ShellExecuteExW(&start)) return true;
    errno = ti_windows_errno(GetLastError());
    return false;
}

bool ti_os_open_browser(const char *url) {
    wchar_t *wide = ti_windows_wide(url);
    if (!wide) return false;
    /* Extensions of the shell may need it. An app that chose otherwise for its thread keeps that. */
    HRESULT begun = CoInitializeEx(NULL, COINIT_APARTMENTTHREADED | COINIT_DISABLE_OLE1DDE);
    bool shown = show(wide);
    int cause = errno;
    if (SUCCEEDED(begun)) CoUninitialize();
    free(wide);
    errno = cause;
    return shown;
}
