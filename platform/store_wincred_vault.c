#include "platform/store_wincred_vault.h"

#include "platform/process_lock_windows_access.h"
#include "platform/windows_translate.h"

#include <windows.h>

#include <wincred.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURN_WAIT_MS 10000

static tacit_status status_of(DWORD error) {
    switch (error) {
    case ERROR_NOT_FOUND:
        return TACIT_ERR_STORE_NOT_FOUND;
    case ERROR_NO_SUCH_LOGON_SESSION:
    case RPC_S_SERVER_UNAVAILABLE:
    case RPC_S_CALL_FAILED:
    case RPC_S_CALL_FAILED_DNE:
    case ERROR_SERVICE_NOT_ACTIVE:
    case ERROR_TIMEOUT:
        return TACIT_ERR_STORE_UNAVAILABLE;
    default:
        return TACIT_ERR_STORE_FAILED;
    }
}

static tacit_status fail_with(ti_vault *vault, DWORD error) {
    vault->error = error;
    return status_of(error);
}

static tacit_status fail_without_memory(ti_vault *vault) {
    return fail_with(vault, ERROR_NOT_ENOUGH_MEMORY);
}

static void wipe_credential(const CREDENTIALW *credential) {
    if (credential->CredentialBlobSize > 0)
        SecureZeroMemory(credential->CredentialBlob, credential->CredentialBlobSize);
}

static tacit_status get(void *data, const char *name, ti_buffer *entry) {
    ti_vault *vault = data;
    PCREDENTIALW found;
    wchar_t *target = ti_windows_wide(name);
    if (!target) return fail_without_memory(vault);
    bool read = CredReadW(target, CRED_TYPE_GENERIC, 0, &found);
    DWORD error = GetLastError();
    free(target);
    if (!read) return fail_with(vault, error);

    bool copied = ti_buffer_append(entry, found->CredentialBlob, found->CredentialBlobSize);
    wipe_credential(found);
    CredFree(found);
    return copied ? TACIT_OK : fail_without_memory(vault);
}

static tacit_status put(void *data, const char *name, const char *entry, size_t size) {
    ti_vault *vault = data;
    wchar_t user[] = L"tacit", *target = ti_windows_wide(name);
    CREDENTIALW credential = {.Type = CRED_TYPE_GENERIC,
                              .TargetName = target,
                              .CredentialBlobSize = (DWORD)size,
                              .CredentialBlob = (LPBYTE)entry,
                              .Persist = CRED_PERSIST_LOCAL_MACHINE,
                              .UserName = user};
    if (!target) return fail_without_memory(vault);
    bool written = CredWriteW(&credential, 0);
    DWORD error = GetLastError();
    free(target);
    return written ? TACIT_OK : fail_with(vault, error);
}

static tacit_status remove_target(ti_vault *vault, const wchar_t *target) {
    if (CredDeleteW(target, CRED_TYPE_GENERIC, 0)) return TACIT_OK;
    tacit_status status = fail_with(vault, GetLastError());
    return status == TACIT_ERR_STORE_NOT_FOUND ? TACIT_OK : status;
}

static tacit_status remove_entry(void *data, const char *name) {
    ti_vault *vault = data;
    wchar_t *target = ti_windows_wide(name);
    if (!target) return fail_without_memory(vault);
    tacit_status status = remove_target(vault, target);
    free(target);
    return status;
}

/* Credential Manager does not distinguish between letters of different case; nor do our names need it. */
static bool begins_with(const wchar_t *text, const wchar_t *beginning) {
    return _wcsnicmp(text, beginning, wcslen(beginning)) == 0;
}

/* Goes on behind one that cannot be removed, and answers with the first such. */
static tacit_status sweep_found(ti_vault *vault, PCREDENTIALW *found, DWORD count,
                                const wchar_t *prefix, const wchar_t *kept) {
    tacit_status status = TACIT_OK;
    for (DWORD i = 0; i < count; i++) {
        const wchar_t *target = found[i]->TargetName;
        wipe_credential(found[i]);
        if (found[i]->Type != CRED_TYPE_GENERIC || !begins_with(target, prefix)) continue;
        if (kept && begins_with(target, kept)) continue;
        tacit_status one = remove_target(vault, target);
        if (status == TACIT_OK) status = one;
    }
    return status;
}

static tacit_status sweep_wide(ti_vault *vault, const wchar_t *prefix, const wchar_t *kept) {
    size_t size = wcslen(prefix) + 2;
    wchar_t *filter = malloc(size * sizeof *filter);
    PCREDENTIALW *found;
    DWORD count;
    if (!filter) return fail_without_memory(vault);
    swprintf(filter, size, L"%ls*", prefix);
    bool listed = CredEnumerateW(filter, 0, &count, &found);
    DWORD error = GetLastError();
    free(filter);
    if (!listed) return error == ERROR_NOT_FOUND ? TACIT_OK : fail_with(vault, error);
    tacit_status status = sweep_found(vault, found, count, prefix, kept);
    CredFree(found);
    return status;
}

static tacit_status sweep(void *data, const char *prefix, const char *kept) {
    ti_vault *vault = data;
    wchar_t *wide_prefix = ti_windows_wide(prefix),
            *wide_kept = kept ? ti_windows_wide(kept) : NULL;
    tacit_status status = wide_prefix && (wide_kept || !kept)
                              ? sweep_wide(vault, wide_prefix, wide_kept)
                              : fail_without_memory(vault);
    free(wide_kept);
    free(wide_prefix);
    return status;
}

ti_shelf ti_vault_shelf(ti_vault *vault) {
    return (ti_shelf){.entry_max = TI_VAULT_ENTRY_MAX,
                      .get = get,
                      .put = put,
                      .remove = remove_entry,
                      .sweep = sweep,
                      .data = vault};
}

static wchar_t *new_turn_name(void) {
    static const wchar_t beginning[] = L"Global\\tacit-credentials-";
    wchar_t *user = ti_lock_access_user();
    size_t size = user ? sizeof beginning / sizeof *beginning + wcslen(user) : 0;
    wchar_t *name = user ? malloc(size * sizeof *name) : NULL;
    if (name) swprintf(name, size, L"%ls%ls", beginning, user);
    LocalFree(user);
    return name;
}

/* For this user, whatever rights the process has that is the first to ask. NULL: GetLastError(). */
static HANDLE open_turn(void) {
    SECURITY_ATTRIBUTES security = {.nLength = sizeof security,
                                    .lpSecurityDescriptor = ti_lock_access_private()};
    wchar_t *name = security.lpSecurityDescriptor ? new_turn_name() : NULL;
    HANDLE turn = name ? CreateMutexW(&security, FALSE, name) : NULL;
    DWORD error = GetLastError();
    free(name);
    LocalFree(security.lpSecurityDescriptor);
    SetLastError(error);
    return turn;
}

tacit_status ti_vault_begin_turn(ti_vault *vault, void **turn) {
    *turn = open_turn();
    if (!*turn) {
        vault->error = GetLastError();
        return TACIT_ERR_STORE_UNAVAILABLE;
    }
    switch (WaitForSingleObject(*turn, TURN_WAIT_MS)) {
    case WAIT_OBJECT_0:
    case WAIT_ABANDONED: /* what its holder left is swept by whoever has the turn now */
        return TACIT_OK;
    case WAIT_TIMEOUT:
        CloseHandle(*turn);
        return fail_with(vault, ERROR_TIMEOUT);
    default:
        vault->error = GetLastError();
        CloseHandle(*turn);
        return TACIT_ERR_STORE_UNAVAILABLE;
    }
}

void ti_vault_end_turn(void *turn) {
    ReleaseMutex(turn);
    CloseHandle(turn);
}
