/*
 * Properties: one worker at a time works for an identity, and does one thing at a time: the jobs, the flight, the saves.
 *
 * Operation: everything that may need work schedules the identity's task; the task looks at the state, does what is due, and looks
 * again until nothing is; then it schedules itself for the next thing that has a time. What changes the record waits for this
 * process's turn, which is given back at the end. A step that fails moves its own time, so that the loop ends.
 *
 * Safety: the lock is held but where a step drops it; the state is looked at anew after each.
 */
#include "session/work.h"

#include "base/error.h"
#include "session/adopt.h"
#include "session/client.h"
#include "session/limits_job.h"
#include "session/move.h"
#include "session/persist.h"
#include "session/refresh.h"
#include "session/sign_out_job.h"
#include "session/turn.h"

enum { LOOK_PAUSE_MS = 2000 };

typedef enum step {
    STEP_NONE,
    STEP_REREAD,
    STEP_JOB,
    STEP_LOAD,
    STEP_LOOK,
    STEP_LIMIT,
    STEP_REFRESH,
    STEP_WARN,
    STEP_SAVE,
    STEP_SAVE_USE,
    STEP_SAVE_SLID,
    STEP_ERASE,
    STEP_TIDY,
    STEP_REVOKE
} step;

/* What changes the record, or sends its refresh token. A sign-in that nobody wants any more does neither. */
static bool needs_turn_locked(const ti_identity *identity, step what) {
    if (what == STEP_JOB) return !identity->jobs->cancelled && !identity->jobs->overtaken;
    return what == STEP_LIMIT || what == STEP_REFRESH || what == STEP_SAVE ||
           what == STEP_SAVE_USE || what == STEP_SAVE_SLID || what == STEP_ERASE ||
           what == STEP_TIDY;
}

static void earliest(int64_t *due, int64_t candidate) {
    if (candidate < *due) *due = candidate;
}

/* Load, save or erase, where one is overdue and the store's pause is over. */
static step store_step_locked(const ti_identity *identity, int64_t now, int64_t *due) {
    int64_t retry = identity->store_retry_boot_ms;
    step wanted = STEP_NONE;

    if (identity->state == TACIT_STATE_UNKNOWN && identity->sessions > 0) wanted = STEP_LOAD;
    if (identity->state == TACIT_STATE_SIGNED_OUT && identity->load_wanted) wanted = STEP_LOOK;
    if (identity->state == TACIT_STATE_SIGNED_IN &&
        (ti_identity_owes_head_locked(identity) || identity->looks_left > 0))
        wanted = STEP_SAVE;
    if (identity->mark_refused) wanted = STEP_SAVE;
    /* It is written with the next turn; at the end of this one the last word says it. */
    if (identity->note_doubtful && !ti_turn_is_taken_locked(identity)) wanted = STEP_SAVE;
    if (identity->erase_pending) wanted = STEP_ERASE;
    if (wanted == STEP_NONE) return STEP_NONE;
    if (wanted == STEP_LOAD && identity->load_wanted) retry = identity->turn_retry_boot_ms;
    if (retry <= now) return wanted;
    earliest(due, retry);
    return STEP_NONE;
}

/* The app's own limits, and what the record is to know of them. */
static step limit_step_locked(const ti_identity *identity, int64_t now, int64_t *due) {
    int64_t over = ti_limits_due_locked(identity), save = ti_limits_save_due_locked(identity);

    if (over <= now) return STEP_LIMIT;
    earliest(due, over);
    if (save <= now) return STEP_SAVE_USE;
    earliest(due, save);
    return STEP_NONE;
}

/* What the app is to know, when its time has come. */
static step warn_step_locked(const ti_identity *identity, int64_t now, int64_t *due) {
    int64_t warning = ti_terms_warning_locked(identity);

    if (warning <= now) return STEP_WARN;
    earliest(due, warning);
    return STEP_NONE;
}

/* The access tokens that answers brought, where it is time for them and the store is not failing. */
static step slid_step_locked(const ti_identity *identity, int64_t now, int64_t *due) {
    int64_t at = ti_slide_save_due_locked(identity);

    if (at == TI_NEVER || identity->state != TACIT_STATE_SIGNED_IN) return STEP_NONE;
    if (identity->store_failures > 0 && identity->sessions > 0 &&
        at < identity->store_retry_boot_ms)
        at = identity->store_retry_boot_ms;
    if (at <= now) return STEP_SAVE_SLID;
    earliest(due, at);
    return STEP_NONE;
}

/* What a move left in the previous store. */
static step tidy_step_locked(const ti_identity *identity, int64_t now, int64_t *due) {
    int64_t at = ti_move_tidy_due_locked(identity);

    if (at <= now) return STEP_TIDY;
    earliest(due, at);
    return STEP_NONE;
}

static step find_step_locked(const ti_identity *identity, int64_t now, ti_view **view,
                             int64_t *due) {
    step found, limit;

    if (identity->jobs != NULL) return STEP_JOB;
    found = store_step_locked(identity, now, due);
    if (found == STEP_LOAD) return found;
    limit = limit_step_locked(identity, now, due);
    if (limit == STEP_LIMIT) return limit;
    if (identity->state == TACIT_STATE_SIGNED_IN) {
        *view = ti_flight_wanted_locked(identity, now, due);
        if (*view != NULL) return STEP_REFRESH;
        if (warn_step_locked(identity, now, due) != STEP_NONE) return STEP_WARN;
    }
    if (found == STEP_NONE) found = slid_step_locked(identity, now, due);
    if (found != STEP_NONE) return found;
    if (limit != STEP_NONE) return limit;
    if (tidy_step_locked(identity, now, due) != STEP_NONE) return STEP_TIDY;
    return identity->revocations != NULL ? STEP_REVOKE : STEP_NONE;
}

static step next_step_locked(const ti_identity *identity, ti_view **view, int64_t *due) {
    int64_t now = ti_identity_now(identity);
    step found;

    *view = NULL;
    *due = TI_NEVER;
    if (identity->flight.phase == TI_FLIGHT_REREADING) {
        if (identity->flight.step_boot_ms <= now || identity->state != TACIT_STATE_SIGNED_IN)
            return STEP_REREAD;
        earliest(due, identity->flight.step_boot_ms);
        return STEP_NONE; /* the flight goes on before anything else */
    }
    found = find_step_locked(identity, now, view, due);
    if (!needs_turn_locked(identity, found) || ti_turn_is_taken_locked(identity)) return found;
    if (identity->turn_retry_boot_ms <= now) return found;
    earliest(due, identity->turn_retry_boot_ms);
    /* Another process has the turn; what can be done without it goes on. */
    if (store_step_locked(identity, now, due) == STEP_LOAD) return STEP_LOAD;
    return identity->revocations != NULL ? STEP_REVOKE : STEP_NONE;
}

/* ------------------------------------------------------------------ the turn */

/* Nothing can be done with the record; the sign-out does what it can without. */
static void do_without_turn_locked(ti_identity *identity, step what, ti_view *view,
                                   const tacit_error *error) {
    if (what == STEP_JOB)
        ti_job_fail_locked(identity, error);
    else if (what == STEP_LIMIT && ti_limits_are_reached_locked(identity))
        ti_limits_end_locked(identity, NULL);
    else if (what == STEP_SAVE_SLID)
        ti_slide_save_failed_locked(identity, error);
    else if (what == STEP_TIDY)
        ti_move_put_off_locked(identity, error);
    else if (what != STEP_REFRESH)
        ti_persist_trouble_locked(identity, error);
    else if (identity->state == TACIT_STATE_SIGNED_IN)
        ti_refresh_fail_locked(identity, view, error);
}

/* Another process is stopped, or stuck. A sign-out waits on: the mark has to come. */
static bool is_out_of_patience_locked(const ti_identity *identity, step what) {
    const tacit_client *client = identity->client;
    int64_t since = identity->busy_since_boot_ms;

    if (since == 0 || (what == STEP_JOB && identity->jobs->kind == TI_JOB_SIGN_OUT)) return false;
    return ti_identity_now(identity) - since >
           (int64_t)client->refresh_timeout_ms + client->store_timeout_ms;
}

/* false: error says why it cannot be had, not even later. */
static bool try_turn_locked(ti_identity *identity, step what, tacit_error *error) {
    bool over_ruins = what == STEP_JOB && identity->jobs->kind == TI_JOB_SIGN_OUT;
    ti_turn_result result = ti_turn_take_locked(identity, over_ruins, error);

    if (result == TI_TURN_FAILED) return false;
    if (result == TI_TURN_TAKEN || !is_out_of_patience_locked(identity, what)) return true;
    identity->busy_since_boot_ms = 0;
    ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE,
                 "Another process holds the lock of this sign-in and does not let go.");
    return false;
}

/* Memory may be another afterwards: look again. */
static void take_turn_locked(ti_identity *identity, step what, ti_view *view) {
    tacit_error error;

    if (view != NULL) view->users++; /* its last session may go meanwhile */
    if (!try_turn_locked(identity, what, &error))
        do_without_turn_locked(identity, what, view, &error);
    if (view != NULL) ti_view_release_locked(identity, view);
}

/* ------------------------------------------------------------------ the steps */

/* Another process has what counts, and is still at it: its save is on its way. */
static bool is_on_its_way_locked(ti_identity *identity, tacit_status status) {
    tacit_error ignored;

    if (!ti_adopt_waits_locked(identity, status)) return false;
    switch (ti_turn_take_locked(identity, false, &ignored)) {
    case TI_TURN_BUSY:
        return !is_out_of_patience_locked(identity, STEP_LOAD);
    case TI_TURN_TAKEN:
        return !identity->head_elsewhere; /* it came just now */
    default:
        return false;
    }
}

static void load_locked(ti_identity *identity) {
    tacit_error error;

    ti_flight_begin_locked(identity, NULL);
    if (ti_persist_load_locked(identity, &error) == TACIT_OK) {
        ti_flight_succeed_locked(identity);
    } else if (is_on_its_way_locked(identity, error.status)) {
        identity->store_retry_boot_ms = identity->turn_retry_boot_ms;
        ti_flight_abandon_locked(identity); /* whoever waits waits on */
    } else {
        if (ti_adopt_waits_locked(identity, error.status))
            ti_persist_trouble_locked(identity, &error);
        ti_flight_fail_locked(identity, &error, TI_BACKOFF_NOT_SENT);
    }
}

/* What the store lacked is there now, or behind a lock that it tells of. */
static bool shows_record_locked(ti_identity *identity) {
    ti_record record = {.tokens = NULL};
    tacit_status status = ti_persist_fetch_locked(identity, &record, NULL);
    bool shows = status != TACIT_ERR_STORE_NOT_FOUND;

    if (status == TACIT_OK)
        shows = ti_sign_in_id_equal(&record.sign_in_id, &identity->journal.sign_in_id);
    ti_record_free(&record);
    return shows && ti_identity_misses_record_locked(identity);
}

/* The journal says whether another process signed in. The store is asked only where it should have what it lacked. */
static void look_locked(ti_identity *identity) {
    int64_t next = ti_identity_now(identity) + LOOK_PAUSE_MS;

    identity->load_wanted = false;
    ti_turn_look_locked(identity, NULL);
    if (ti_identity_misses_record_locked(identity) && shows_record_locked(identity)) {
        identity->state = TACIT_STATE_UNKNOWN;
        load_locked(identity);
    }
    if (identity->state == TACIT_STATE_SIGNED_OUT && identity->store_retry_boot_ms < next)
        identity->store_retry_boot_ms = next;
}

static void do_step_locked(ti_identity *identity, step what, ti_view *view) {
    switch (what) {
    case STEP_REREAD:
        ti_refresh_reread_locked(identity);
        break;
    case STEP_JOB:
        ti_job_run_locked(identity);
        break;
    case STEP_LOAD:
        load_locked(identity);
        break;
    case STEP_LOOK:
        look_locked(identity);
        break;
    case STEP_LIMIT:
        ti_limits_run_locked(identity);
        break;
    case STEP_SAVE_USE:
        ti_limits_save_locked(identity);
        break;
    case STEP_REFRESH:
        ti_refresh_run_locked(identity, view);
        break;
    case STEP_WARN:
        ti_terms_warn_locked(identity);
        break;
    case STEP_SAVE:
        ti_persist_save_again_locked(identity);
        break;
    case STEP_SAVE_SLID:
        ti_slide_save_locked(identity);
        break;
    case STEP_ERASE:
        ti_sign_out_finish_locked(identity);
        break;
    case STEP_TIDY:
        ti_move_tidy_locked(identity);
        break;
    case STEP_REVOKE:
        ti_revocation_run_locked(identity);
        break;
    case STEP_NONE:
        break;
    }
}

static ti_identity *of_task(ti_task *task) {
    return (ti_identity *)((char *)task - offsetof(ti_identity, task));
}

static bool hold(ti_task *task) {
    ti_identity *identity = of_task(task);
    unsigned refs = atomic_load(&identity->refs);

    while (refs != 0)
        if (atomic_compare_exchange_weak(&identity->refs, &refs, refs + 1)) return true;
    return false;
}

/* Everything that is due. Answers when the next thing is. */
static int64_t do_steps_locked(ti_identity *identity) {
    ti_view *view = NULL;
    int64_t due;
    step what;

    do {
        while ((what = next_step_locked(identity, &view, &due)) != STEP_NONE)
            if (!needs_turn_locked(identity, what) || ti_turn_is_taken_locked(identity))
                do_step_locked(identity, what, view);
            else
                take_turn_locked(identity, what, view);
    } while (ti_turn_give_locked(identity)); /* which dropped the lock */
    return due;
}

/* Whoever has the turn counts real time. An injected clock may stand still meanwhile: so the pause before the next try is made here,
 * without the lock. Answers when that try is due. */
static int64_t outwait_injected_clock_locked(ti_identity *identity, int64_t due) {
    int64_t now = ti_identity_now(identity), retry = identity->turn_retry_boot_ms;

    if (!ti_clock_is_injected(ti_identity_clock(identity))) return due;
    if (retry <= now || retry < due) return due;
    ti_cond_wait_ms(&identity->changed, &identity->lock, retry - now);
    identity->turn_retry_boot_ms = now;
    return now;
}

static void run(ti_task *task) {
    ti_identity *identity = of_task(task);
    int64_t due;
    bool leave;

    pthread_mutex_lock(&identity->lock);
    due = outwait_injected_clock_locked(identity, do_steps_locked(identity));
    leave = identity->lingers && ti_identity_idle_locked(identity);
    if (leave) identity->lingers = false;
    ti_waiters_wake_locked(identity); /* who closes waits for idleness */
    pthread_mutex_unlock(&identity->lock);
    ti_identity_schedule(identity, due);
    ti_dispatch_kick(identity->client->dispatch);
    if (leave) ti_identity_unref(identity);
}

static void release(ti_task *task) {
    ti_identity_unref(of_task(task));
}

const ti_task_ops ti_work_ops = {.hold = hold, .run = run, .release = release};
