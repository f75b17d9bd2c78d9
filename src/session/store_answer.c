#include "session/store_answer.h"

#include "base/error.h"

static const char *const doing[] = {
    [TI_STORE_LOAD] = "read from", [TI_STORE_SAVE] = "save to", [TI_STORE_ERASE] = "erase from"};

static bool is_legal(ti_store_operation operation, tacit_status answer) {
    switch (answer) {
    case TACIT_OK:
    case TACIT_ERR_STORE_LOCKED:
    case TACIT_ERR_STORE_UNAVAILABLE:
    case TACIT_ERR_STORE_CORRUPT:
    case TACIT_ERR_STORE_FAILED:
        return true;
    case TACIT_ERR_STORE_NOT_FOUND:
        return operation == TI_STORE_LOAD;
    case TACIT_ERR_STORE_TOO_LARGE:
        return operation == TI_STORE_SAVE;
    default:
        return false;
    }
}

tacit_status ti_store_judge(ti_store_operation operation, tacit_status answer) {
    return is_legal(operation, answer) ? answer : TACIT_ERR_STORE_FAILED;
}

static tacit_status explain_failed(ti_store_operation operation, const char *store,
                                   tacit_status answer, tacit_error *error) {
    if (is_legal(operation, answer))
        return ti_error_set(error, TACIT_ERR_STORE_FAILED, "Could not %s %s.", doing[operation],
                            store);
    return ti_error_set(error, TACIT_ERR_STORE_FAILED,
                        "Could not %s %s: its function answered %s, which it may not.",
                        doing[operation], store, tacit_status_name(answer));
}

tacit_status ti_store_explain(ti_store_operation operation, const tacit_store *store,
                              tacit_status answer, tacit_status status, tacit_error *error) {
    const char *name = tacit_store_describe(store);

    switch (status) {
    case TACIT_OK:
        return ti_error_clear(error);
    case TACIT_ERR_NO_MEMORY:
        return ti_error_no_memory(error);
    case TACIT_ERR_STORE_NOT_FOUND:
        return ti_error_set(error, status, "There is no record of a sign-in in %s.", name);
    case TACIT_ERR_STORE_TOO_LARGE:
        return ti_error_set(error, status, "The record is too large for %s.", name);
    case TACIT_ERR_STORE_LOCKED:
        return ti_store_no_answer(operation, store, status, "it is locked; the user can unlock it",
                                  error);
    case TACIT_ERR_STORE_UNAVAILABLE:
        return ti_store_no_answer(operation, store, status,
                                  "it is not available; check that it is set up and running",
                                  error);
    case TACIT_ERR_STORE_CORRUPT:
        return ti_store_no_answer(operation, store, status,
                                  "it holds something that cannot be read back", error);
    default:
        return explain_failed(operation, name, answer, error);
    }
}

tacit_status ti_store_no_answer(ti_store_operation operation, const tacit_store *store,
                                tacit_status status, const char *why, tacit_error *error) {
    return ti_error_set(error, status, "Could not %s %s: %s.", doing[operation],
                        tacit_store_describe(store), why);
}
