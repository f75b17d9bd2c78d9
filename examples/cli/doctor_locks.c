/* The journals in the state directory: each is also the lock of one sign-in between processes. */
#include "doctor.h"

#include "holders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ENDING ".journal"
enum { HOLDERS_MAX = 16, NAME_SIZE = 64, ADVICE_SIZE = 128 };

static void say_stopped(doctor *doctor, const char *journal, const holder *holder,
                        const char *name) {
    char advice[ADVICE_SIZE];

    snprintf(advice, sizeof advice, "\"kill -CONT %ld\" lets it go on, \"kill -KILL %ld\" ends it.",
             (long)holder->pid, (long)holder->pid);
    finding_problem(&doctor->findings, advice, "lock",
                    "%s is held by process %ld (%s), which is stopped; until it goes on no other "
                    "process renews this sign-in",
                    journal, (long)holder->pid, name);
}

static void say_orphaned(doctor *doctor, const char *journal, const holder *holder,
                         const char *name) {
    char advice[ADVICE_SIZE];

    snprintf(advice, sizeof advice,
             "\"kill %ld\" ends it; start children with exec or posix_spawn.", (long)holder->pid);
    finding_problem(&doctor->findings, advice, "lock",
                    "%s is held by process %ld (%s), an orphaned child that inherited it from "
                    "process %ld, which is gone",
                    journal, (long)holder->pid, name, (long)holder->taker);
}

static void say_unsaved(doctor *doctor, const char *journal, const holder *holder,
                        const char *name) {
    finding_problem(&doctor->findings,
                    "Unlock or start its keyring before that process ends: it saves by itself.",
                    "lock",
                    "%s: process %ld (%s) has a newer sign-in than its store, which could not be "
                    "saved yet",
                    journal, (long)holder->pid, name);
}

/* Nothing is wrong with that. */
static void say_held(const char *journal, const holder *holder, const char *name) {
    if (holder->taker != holder->pid)
        finding_note("lock", "%s: process %ld (%s) shares what process %ld holds", journal,
                     (long)holder->pid, name, (long)holder->taker);
    else
        finding_note("lock",
                     "%s is held by process %ld (%s)%s; a refresh or a sign-in takes seconds",
                     journal, (long)holder->pid, name,
                     holder->is_hidden ? ", of another user or container" : "");
}

static bool is_orphan(const holder *holder) {
    return holder->taker != holder->pid && !process_exists(holder->taker);
}

static void look_at_holder(doctor *doctor, const char *journal, const holder *holder) {
    char name[NAME_SIZE], state = process_state(holder->pid);

    process_name(holder->pid, name, sizeof name);
    if (holder->has_lock && (state == 'T' || state == 't'))
        say_stopped(doctor, journal, holder, name);
    else if (holder->has_lock && is_orphan(holder))
        say_orphaned(doctor, journal, holder, name);
    else if (holder->has_lock)
        say_held(journal, holder, name);
    else
        say_unsaved(doctor, journal, holder, name);
}

static void look_at_rights(doctor *doctor, const char *journal, const struct stat *facts) {
    if (!S_ISREG(facts->st_mode) || facts->st_uid != geteuid())
        finding_problem(&doctor->findings, "Find out how it came there, and remove it.", "lock",
                        "%s is not a file of this user", journal);
    else if ((facts->st_mode & (S_IRWXG | S_IRWXO)) != 0)
        finding_problem(&doctor->findings, "chmod 600", "lock", "%s is open to others (mode %o)",
                        journal, (unsigned)facts->st_mode & 07777U);
}

static void look_at_journal(doctor *doctor, int directory, const char *journal) {
    holder holders[HOLDERS_MAX];
    struct stat facts;
    size_t count;

    if (fstatat(directory, journal, &facts, AT_SYMLINK_NOFOLLOW) != 0) return;
    look_at_rights(doctor, journal, &facts);
    count = holders_of(&facts, holders, HOLDERS_MAX);
    for (size_t i = 0; i < count; i++) look_at_holder(doctor, journal, &holders[i]);
}

static bool is_journal(const char *name) {
    size_t length = strlen(name), ending = strlen(ENDING);

    return length > ending && strcmp(name + length - ending, ENDING) == 0;
}

void doctor_look_at_locks(doctor *doctor) {
    DIR *listing = opendir(doctor->state_dir);
    const struct dirent *entry;
    int journals = 0;

    if (listing == NULL && errno != ENOENT)
        finding_problem(&doctor->findings, NULL, "lock", "%s cannot be listed: %s",
                        doctor->state_dir, strerror(errno));
    if (listing == NULL) return;
    while ((entry = readdir(listing)) != NULL) {
        if (!is_journal(entry->d_name)) continue;
        look_at_journal(doctor, dirfd(listing), entry->d_name);
        journals++;
    }
    finding_well("lock", "%d journal%s in %s, all looked at", journals, journals == 1 ? "" : "s",
                 doctor->state_dir);
    closedir(listing);
}
