/* Credential Manager: the contract of all stores, the limits of Windows where wine has none, and processes that die in a save. */
#include "support/again.h"
#include "support/store_contract.h"
#include "support/unit.h"

#include "platform/crypto.h"
#include "platform/store_keyring.h"

#include <windows.h>

#include <wincred.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "https://issuer.example app someone@example.org"
#define DIES_WITH 99
#define LIMIT 2560 /* what Windows takes in one credential */

/* What happens to the calls of the store, in front of the system's. */
static struct {
    DWORD refusal;      /* what all of them answer; 0: as it is */
    HANDLE gate;        /* they wait for it; NULL: they do not */
    int changes;        /* writes and deletions so far */
    int dies_at;        /* the process ends instead of this change; 0: never */
    DWORD largest;      /* that was written */
    bool turn_is_taken; /* somebody has it and keeps it */
} calls;

static bool is_refused(void) {
    if (calls.gate) WaitForSingleObject(calls.gate, INFINITE);
    if (calls.refusal) SetLastError(calls.refusal);
    return calls.refusal != 0;
}

static void change(void) {
    if (++calls.changes == calls.dies_at) TerminateProcess(GetCurrentProcess(), DIES_WITH);
}

static BOOL write_watched(PCREDENTIALW credential, DWORD flags) {
    if (is_refused()) return FALSE;
    change();
    if (credential->CredentialBlobSize > calls.largest)
        calls.largest = credential->CredentialBlobSize;
    if (credential->CredentialBlobSize > LIMIT) {
        SetLastError(RPC_X_BAD_STUB_DATA);
        return FALSE;
    }
    return CredWriteW(credential, flags);
}

static BOOL delete_watched(LPCWSTR target, DWORD type, DWORD flags) {
    if (is_refused()) return FALSE;
    change();
    return CredDeleteW(target, type, flags);
}

static BOOL read_watched(LPCWSTR target, DWORD type, DWORD flags, PCREDENTIALW *credential) {
    return !is_refused() && CredReadW(target, type, flags, credential);
}

static BOOL enumerate_watched(LPCWSTR filter, DWORD flags, DWORD *count, PCREDENTIALW **found) {
    return !is_refused() && CredEnumerateW(filter, flags, count, found);
}

static DWORD wait_watched(HANDLE handle, DWORD timeout_ms) {
    return calls.turn_is_taken ? WAIT_TIMEOUT : WaitForSingleObject(handle, timeout_ms);
}

/* The file under test, with these instead. */
#undef CredWriteW
#define CredWriteW write_watched
#define CredDeleteW delete_watched
#define CredReadW read_watched
#define CredEnumerateW enumerate_watched
#define WaitForSingleObject wait_watched
#include "platform/store_wincred_vault.c"
#undef CredWriteW
#undef CredDeleteW
#undef CredReadW
#undef CredEnumerateW
#undef WaitForSingleObject

/* Of this run; in a program that the test starts, of its parent. */
static char application[64];

static tacit_store *make(void *data) {
    (void)data;
    return tacit_store_keyring(application, NULL);
}

static tacit_store *make_at(const char *place) {
    return tacit_store_keyring(place, NULL);
}

/* All credentials of the application, under whatever key; visit may be NULL. */
static size_t each_credential(void (*visit)(PCREDENTIALW credential)) {
    wchar_t filter[128];
    PCREDENTIALW *found;
    DWORD count;
    swprintf(filter, 128, L"tacit/%hs/*", application);
    if (!CredEnumerateW(filter, 0, &count, &found)) {
        assert_int_equal(GetLastError(), ERROR_NOT_FOUND);
        return 0;
    }
    for (DWORD i = 0; visit && i < count; i++) visit(found[i]);
    CredFree(found);
    return count;
}

static void forget(PCREDENTIALW credential) {
    assert_true(CredDeleteW(credential->TargetName, CRED_TYPE_GENERIC, 0));
}

/* The head of the record under the key. */
static void damage(void *data, const char *key) {
    unsigned char digest[TI_SHA256_SIZE];
    static char damaged[] = "no record";
    wchar_t user[] = L"tacit", target[256];
    char both[512];
    size_t length = strlen(application) + 1 + strlen(key);
    CREDENTIALW head = {.Type = CRED_TYPE_GENERIC,
                        .TargetName = target,
                        .CredentialBlob = (LPBYTE)damaged,
                        .CredentialBlobSize = sizeof damaged - 1,
                        .Persist = CRED_PERSIST_LOCAL_MACHINE,
                        .UserName = user};
    (void)data;
    assert_true(length < sizeof both);
    memcpy(both, application, strlen(application) + 1);
    memcpy(both + strlen(application) + 1, key, strlen(key));
    assert_true(ti_crypto_sha256(both, length, digest));
    int used = swprintf(target, 256, L"tacit/%hs/", application);
    for (size_t i = 0; i < sizeof digest; i++)
        used += swprintf(target + used, 256 - (size_t)used, L"%02x", digest[i]);
    assert_true(CredWriteW(&head, 0));
}

static void away(void *data, bool away) {
    (void)data;
    calls.refusal = away ? ERROR_NO_SUCH_LOGON_SESSION : 0;
}

static void hang(void *data, bool hangs) {
    static HANDLE gate;
    (void)data;
    if (hangs) {
        gate = CreateEventW(NULL, TRUE, FALSE, NULL);
        calls.gate = gate;
    } else {
        calls.gate = NULL;
        SetEvent(gate);
    }
}

static int run_contract(void) {
    const store_contract contract = {
        .name = "Credential Manager",
        .make = make,
        .persistent = true,
        .place = application,
        .away = away,
        .hang = hang,
        .damage = damage,
    };
    int failed = store_contract_run(&contract);

    each_credential(forget);
    return failed;
}

static int set_up(void **state) {
    store_user *user = calloc(1, sizeof *user);

    memset(&calls, 0, sizeof calls);
    store_user_open(user, make(NULL));
    *state = user;
    return 0;
}

static int tear_down(void **state) {
    memset(&calls, 0, sizeof calls);
    store_user_close(*state);
    free(*state);
    each_credential(forget);
    return 0;
}

/* A record of one letter. */
static tacit_status save_letter(store_user *user, char letter, size_t size) {
    char *bytes = malloc(size);
    memset(bytes, letter, size);
    tacit_status status = store_user_save(user, KEY, bytes, size);
    free(bytes);
    return status;
}

/* 0: it is not one of these, all of one letter. */
static char load_letter(store_user *user) {
    ti_buffer record = TI_BUFFER_SECRET;
    char letter = 0;
    tacit_status status = store_user_load(user, KEY, &record);
    if (status == TACIT_OK && record.size > 0) letter = record.data[0];
    if (status != TACIT_OK) print_message("load: %d\n", (int)status);
    for (size_t i = 1; i < record.size; i++) {
        if (record.data[i] != letter) letter = 0;
    }
    ti_buffer_free(&record);
    return letter;
}

static void no_credential_is_larger_than_windows_takes(void **state) {
    store_user *user = *state;

    for (size_t size = 1; size <= 65536; size += 4681) {
        assert_int_equal(save_letter(user, 'a', size), TACIT_OK);
        assert_int_equal(load_letter(user), 'a');
    }

    assert_int_equal(calls.largest, LIMIT);
}

static void look_at_credential(PCREDENTIALW credential) {
    assert_int_equal(credential->Type, CRED_TYPE_GENERIC);
    assert_int_equal(credential->Persist, CRED_PERSIST_LOCAL_MACHINE);
    assert_null(wcsstr(credential->TargetName, L"issuer"));
    assert_true(wcslen(credential->TargetName) < 256);
}

static void credentials_stay_on_this_machine_and_name_the_application(void **state) {
    store_user *user = *state;

    assert_int_equal(save_letter(user, 'a', 6000), TACIT_OK);

    assert_int_equal(each_credential(look_at_credential), 3);
    assert_int_equal(store_user_erase(user, KEY), TACIT_OK);
    assert_int_equal(each_credential(NULL), 0);
}

static void applications_that_differ_in_case_or_signs_are_kept_apart(void **state) {
    static const char *const others[] = {"org.example.\xc3\x84pp", "org.example.\xc3\xa4pp",
                                         "org.example.__pp", "ORG.EXAMPLE.__PP", "org.example.*"};
    enum { OTHERS = sizeof others / sizeof *others };
    store_user users[OTHERS];
    (void)state;

    for (size_t i = 0; i < OTHERS; i++) {
        store_user_open(&users[i], make_at(others[i]));
        assert_not_stored(&users[i], KEY);
        assert_int_equal(save_letter(&users[i], (char)('a' + i), 3000), TACIT_OK);
    }
    for (size_t i = 0; i < OTHERS; i++) assert_int_equal(load_letter(&users[i]), 'a' + i);

    for (size_t i = 0; i < OTHERS; i++) {
        assert_int_equal(store_user_erase(&users[i], KEY), TACIT_OK);
        store_user_close(&users[i]);
    }
}

static void what_windows_refuses_is_told_with_its_cause(void **state) {
    static const struct {
        DWORD refusal;
        tacit_status expected;
        const char *why;
    } cases[] = {
        {ERROR_NO_SUCH_LOGON_SESSION, TACIT_ERR_STORE_UNAVAILABLE, "SSH"},
        {RPC_S_SERVER_UNAVAILABLE, TACIT_ERR_STORE_UNAVAILABLE, "does not work now"},
        {ERROR_ACCESS_DENIED, TACIT_ERR_STORE_FAILED, "policy"},
        {ERROR_INVALID_PARAMETER, TACIT_ERR_STORE_FAILED, "does not take"},
        {RPC_X_BAD_STUB_DATA, TACIT_ERR_STORE_FAILED, "does not take"},
        {ERROR_NOT_ENOUGH_MEMORY, TACIT_ERR_STORE_FAILED, "memory"},
        {ERROR_GEN_FAILURE, TACIT_ERR_STORE_FAILED, "does not work now"},
    };
    store_user *user = *state;
    assert_int_equal(save_letter(user, 'a', 3000), TACIT_OK);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ti_buffer record = TI_BUFFER_SECRET;
        ti_store_late never_late = {.fn = NULL};
        bool overdue;
        tacit_error error;
        calls.refusal = cases[i].refusal;
        assert_int_equal(save_letter(user, 'b', 3000), cases[i].expected);
        assert_int_equal(store_user_erase(user, KEY), cases[i].expected);
        assert_int_equal(ti_store_load(user->calls, user->store, KEY, 50000, never_late, &record,
                                       &overdue, &error),
                         cases[i].expected);
        if (!strstr(error.message, cases[i].why)) fail_msg("%s", error.message);
        assert_int_not_equal(error.os_error, 0);
        ti_buffer_free(&record);
        calls.refusal = 0;
        assert_int_equal(load_letter(user), 'a');
    }
}

static void turn_that_does_not_come_is_told(void **state) {
    store_user *user = *state;
    assert_int_equal(save_letter(user, 'a', 10), TACIT_OK);

    calls.turn_is_taken = true;

    assert_int_equal(save_letter(user, 'b', 10), TACIT_ERR_STORE_UNAVAILABLE);
    assert_int_equal(store_user_erase(user, KEY), TACIT_ERR_STORE_UNAVAILABLE);
    assert_int_equal(load_letter(user), 0);
    calls.turn_is_taken = false;
    assert_int_equal(load_letter(user), 'a');
    assert_int_equal(save_letter(user, 'b', 10), TACIT_OK);
}

/* ------------------------------------------------------------------ processes that die */

#define OLD_SIZE 9000
#define NEW_SIZE 6000

static int run_again(const char *role, const char *argument) {
    const char *const arguments[] = {role, application, argument, NULL};
    again process;
    again_start(&process, arguments);
    return again_wait(&process);
}

/* The program that death_in_a_save_leaves_the_old_record_or_the_new_one starts. */
static int die_in_a_save(const char *at) {
    store_user user;
    store_user_open(&user, make(NULL));
    calls.dies_at = atoi(at);
    return save_letter(&user, 'n', NEW_SIZE) == TACIT_OK ? 0 : 1;
}

static void death_in_a_save_leaves_the_old_record_or_the_new_one(void **state) {
    store_user *user = *state;
    int ended = DIES_WITH, old = 0, new = 0;
    char at[16];

    for (int i = 1; ended == DIES_WITH; i++) {
        assert_int_equal(save_letter(user, 'o', OLD_SIZE), TACIT_OK);
        snprintf(at, sizeof at, "%d", i);
        ended = run_again("--die", at);

        char found = load_letter(user);
        assert_true(found == 'n' || (found == 'o' && new == 0));
        found == 'n' ? new ++ : old++;
    }

    assert_int_equal(ended, 0);
    assert_int_equal(old, 3); /* two pieces beside the head, which came last */
    assert_true(new > 2);
    assert_int_equal(each_credential(NULL), 3); /* nothing of the dead is left */
}

/* The program that process_killed_at_any_moment_leaves_a_record starts. */
static int save_on_and_on(void) {
    store_user user;
    ULONGLONG end = GetTickCount64() + 20000; /* where nobody is left to kill it */
    store_user_open(&user, make(NULL));
    for (int i = 0; GetTickCount64() < end; i++) {
        if (save_letter(&user, (char)('a' + i % 26), 3000 + 400 * (size_t)(i % 26)) != TACIT_OK)
            return 1;
    }
    return 0;
}

static void process_killed_at_any_moment_leaves_a_record(void **state) {
    store_user *user = *state;
    const char *const arguments[] = {"--save", application, "", NULL};
    assert_int_equal(save_letter(user, 'z', 3000), TACIT_OK);

    for (int i = 0; i < 6; i++) {
        again process;
        again_start(&process, arguments);
        char first = load_letter(user), now;
        do { /* it has begun, and is in the middle of one */
            now = load_letter(user);
            assert_true(now != 0);
        } while (now == first);
        for (int k = 0; k < i; k++) assert_true(load_letter(user) != 0);
        assert_true(TerminateProcess((HANDLE)process.process, DIES_WITH));
        assert_int_equal(again_wait(&process), DIES_WITH);

        assert_true(load_letter(user) != 0);
        assert_int_equal(save_letter(user, 'z', 10), TACIT_OK);
        assert_int_equal(each_credential(NULL), 1);
    }
}

/* ------------------------------------------------------------------ */

static void keyring_is_there_and_wants_an_application(void **state) {
    tacit_error error;
    (void)state;

    assert_int_equal(ti_keyring_look(), TI_KEYRING_PRESENT);
    assert_null(tacit_store_keyring(NULL, &error));
    assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
    assert_null(tacit_store_keyring("", NULL));
    tacit_store *store = make(NULL);
    assert_non_null(strstr(tacit_store_describe(store), "Credential Manager"));
    tacit_store_unref(store);
}

static int run_cases(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(no_credential_is_larger_than_windows_takes),
        CASE(credentials_stay_on_this_machine_and_name_the_application),
        CASE(applications_that_differ_in_case_or_signs_are_kept_apart),
        CASE(what_windows_refuses_is_told_with_its_cause),
        CASE(turn_that_does_not_come_is_told),
        CASE(death_in_a_save_leaves_the_old_record_or_the_new_one),
        CASE(process_killed_at_any_moment_leaves_a_record),
        cmocka_unit_test(keyring_is_there_and_wants_an_application),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

static int play(const char *role, const char *argument) {
    if (strcmp(role, "--die") == 0) return die_in_a_save(argument);
    if (strcmp(role, "--save") == 0) return save_on_and_on();
    return 2;
}

int main(int argc, char **argv) {
    store_contract_worker(argc, argv, make_at);
    if (argc == 4) {
        snprintf(application, sizeof application, "%s", argv[2]);
        return play(argv[1], argv[3]);
    }
    snprintf(application, sizeof application, "org.example.Tacit-%lu", GetCurrentProcessId());
    each_credential(forget); /* of a process of the same number that died */
    return run_contract() + run_cases();
}
