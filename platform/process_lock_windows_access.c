#include "platform/process_lock_windows_access.h"

#include "platform/windows_translate.h"

#include <windows.h>

#include <aclapi.h>
#include <sddl.h>

#include <stdlib.h>

#define SID_TEXT_MAX 187 /* S-1-, a number of 48 bits, 15 of 32 */

typedef union user {
    TOKEN_USER token;
    BYTE room[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
} user;

static bool read_user(user *user) {
    HANDLE token;
    DWORD size;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) return false;
    bool read = GetTokenInformation(token, TokenUser, user, sizeof *user, &size);
    DWORD cause = GetLastError();
    CloseHandle(token);
    SetLastError(cause);
    return read;
}

static bool is_trusted(PSID sid, const user *user) {
    return EqualSid(sid, user->token.User.Sid) || IsWellKnownSid(sid, WinLocalSystemSid) ||
           IsWellKnownSid(sid, WinBuiltinAdministratorsSid);
}

#define WRITES_FILE                                                                                \
    (FILE_WRITE_DATA | FILE_APPEND_DATA | WRITE_DAC | WRITE_OWNER | DELETE | GENERIC_WRITE |       \
     GENERIC_ALL)
static const ACCESS_MASK forbidden[] = {
    [TI_LOCK_ACCESS_DIRECTORY] = WRITES_FILE | FILE_DELETE_CHILD,
    [TI_LOCK_ACCESS_FILE] = WRITES_FILE | FILE_READ_DATA | GENERIC_READ,
};

/* Kinds of entries that allow something and that this does not know count as open to all. */
static bool opens_to_others(const ACE_HEADER *entry, ACCESS_MASK mask, const user *user) {
    if (entry->AceFlags & INHERIT_ONLY_ACE) return false; /* for what will be made in it */
    switch (entry->AceType) {
    case ACCESS_DENIED_ACE_TYPE:
    case ACCESS_DENIED_OBJECT_ACE_TYPE:
    case ACCESS_DENIED_CALLBACK_ACE_TYPE:
    case ACCESS_DENIED_CALLBACK_OBJECT_ACE_TYPE:
        return false;
    case ACCESS_ALLOWED_ACE_TYPE:
    case ACCESS_ALLOWED_CALLBACK_ACE_TYPE: {
        ACCESS_ALLOWED_ACE *allowed = (ACCESS_ALLOWED_ACE *)entry;
        PSID sid = &allowed->SidStart;
        return (allowed->Mask & mask) != 0 && !is_trusted(sid, user) &&
               !IsWellKnownSid(sid, WinCreatorOwnerRightsSid); /* of the owner, who was checked */
    }
    default:
        return true;
    }
}

static bool is_open_to_others(PACL list, ACCESS_MASK mask, const user *user) {
    if (!list) return true; /* none: everybody may do everything */
    for (DWORD i = 0; i < list->AceCount; i++) {
        void *entry;
        if (!GetAce(list, i, &entry) || opens_to_others(entry, mask, user)) return true;
    }
    return false;
}

ti_lock_result ti_lock_access_check(void *handle, ti_lock_access access, int *os_error) {
    user user;
    PSID owner;
    PACL list;
    PSECURITY_DESCRIPTOR security = NULL;
    DWORD cause = read_user(&user)
                      ? GetSecurityInfo(handle, SE_FILE_OBJECT,
                                        OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                                        &owner, NULL, &list, NULL, &security)
                      : GetLastError();
    if (cause != ERROR_SUCCESS) {
        *os_error = ti_windows_errno(cause);
        return TI_LOCK_FAILED;
    }
    ti_lock_result result = TI_LOCK_OK;
    if (!owner || !is_trusted(owner, &user)) {
        result = TI_LOCK_NOT_OURS;
    } else if (access != TI_LOCK_ACCESS_OWNER &&
               is_open_to_others(list, forbidden[access], &user)) {
        result = TI_LOCK_OPEN_TO_OTHERS;
    }
    LocalFree(security);
    return result;
}

wchar_t *ti_lock_access_user(void) {
    user user;
    wchar_t *name;
    return read_user(&user) && ConvertSidToStringSidW(user.token.User.Sid, &name) ? name : NULL;
}

void *ti_lock_access_private(void) {
    static const wchar_t format[] = L"O:%lsD:P(A;OICI;FA;;;%ls)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";
    wchar_t *name = ti_lock_access_user();
    wchar_t text[2 * SID_TEXT_MAX + sizeof format / sizeof *format];
    PSECURITY_DESCRIPTOR security = NULL;
    if (!name) return NULL;
    swprintf(text, sizeof text / sizeof *text, format, name, name);
    LocalFree(name);
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(text, SDDL_REVISION_1, &security,
                                                              NULL)) {
        return NULL;
    }
    return security;
}
