/* tacit store move: a sign-in is kept in another store from now on. */
#include "connection.h"
#include "login.h"

#include <stdlib.h>
#include <string.h>

typedef struct store_options {
    const char *name, *from, *to;
} store_options;

static const option_spec specs[] = {
    {"name", 0, OPTION_TEXT, offsetof(store_options, name), "NAME",
     "the sign-in, as with NAME; default \"" PROFILE_DEFAULT_NAME "\""},
    {"from", 0, OPTION_TEXT, offsetof(store_options, from), "STORE",
     "where it is; default where NAME keeps it"},
    {"to", 0, OPTION_TEXT, offsetof(store_options, to), "STORE",
     "where it is to be kept from now on: as with\ntacit login --store"},
    {.name = NULL},
};
static const command_spec command = {"store", "move [NAME] [--from STORE] --to STORE",
                                     "Moves a sign-in to another store. What was interrupted is "
                                     "finished by calling it again; until\n"
                                     "then nothing is lost.",
                                     specs, 2};

/* With another store; the caller's. */
static exit_code profile_with_store(const profile *as, const char *store, profile *other) {
    exit_code code = profile_begin(other, as->name);

    if (code != EXIT_OK) return code;
    other->json = json_deep_copy(as->json);
    if (other->json == NULL) return complain(EXIT_FAILED, "Out of memory.");
    return login_put_store(other, store);
}

/* One of the two, as it was found. */
typedef struct finding {
    tacit_session_state state; /* unknown where it could not be read */
    char *place;               /* what the store calls itself, or NULL; the caller's */
} finding;

static exit_code load(connection *connection, finding *found) {
    tacit_session_state state;
    tacit_error error;

    if (tacit_session_load(connection->session, TACIT_TIMEOUT_DEFAULT, &state, &error) != TACIT_OK)
        return complain_of(&error, connection->profile->name);
    found->place = strdup(tacit_store_describe(connection->store));
    if (found->place == NULL) return complain(EXIT_FAILED, "Out of memory.");
    found->state = state;
    return EXIT_OK;
}

/* The session does it. */
static exit_code move_record(const profile *from, const profile *to, finding *there) {
    connection self;
    exit_code code = connection_open_from(&self, to, from);

    if (code == EXIT_OK) code = load(&self, there);
    if (code == EXIT_OK && there->state == TACIT_STATE_SIGNED_OUT) {
        code = complain(EXIT_SIGN_IN_REQUIRED, "Nobody is signed in as \"%s\" in %s.", to->name,
                        tacit_store_describe(self.previous));
        say("Sign in with: tacit login --name %s", to->name);
    }
    return connection_close(&self, code);
}

static exit_code look_back(const profile *from, finding *left) {
    connection self;
    exit_code code = connection_open(&self, from, NULL);

    if (code == EXIT_OK) code = load(&self, left);
    return connection_close(&self, code);
}

/* The keyring has two names where it is the default. */
static bool is_one_place(const finding *a, const finding *b) {
    return a->place != NULL && b->place != NULL && strcmp(a->place, b->place) == 0;
}

/* Where somebody was signed in already it stayed as it was. */
static exit_code switch_profile(const profile *kept, const profile *to, const finding *there,
                                const finding *left) {
    if (left->state == TACIT_STATE_UNKNOWN) return EXIT_STORE;
    if (left->state == TACIT_STATE_SIGNED_OUT || is_one_place(there, left))
        return profile_replace(kept, to);
    complain(EXIT_FAILED, "Both stores have a sign-in \"%s\", and neither was touched.", to->name);
    say("Forget the one in %s with tacit logout %s, or keep the other with --to there.",
        left->place, to->name);
    return EXIT_FAILED;
}

/* What is left where it was is told, and cannot be used: it stops nothing. */
static exit_code move(const profile *kept, const profile *from, const profile *to) {
    finding there = {.state = TACIT_STATE_UNKNOWN}, left = {.state = TACIT_STATE_UNKNOWN};
    exit_code code = move_record(from, to, &there), checked = EXIT_OK, switched = EXIT_OK;

    if (there.state == TACIT_STATE_SIGNED_IN) {
        checked = look_back(from, &left);
        switched = switch_profile(kept, to, &there, &left);
    }
    free(left.place);
    free(there.place);
    if (code == EXIT_OK) code = checked;
    return code == EXIT_OK ? switched : code;
}

static exit_code store_move(const store_options *options) {
    profile kept, from = {.name = NULL}, to = {.name = NULL};
    exit_code code = profile_load(&kept, options->name);

    if (code == EXIT_OK) code = profile_with_store(&kept, options->from, &from);
    if (code == EXIT_OK) code = profile_with_store(&kept, options->to, &to);
    if (code == EXIT_OK && profile_is_same_sign_in(&from, &to))
        say("\"%s\" is kept there already.", to.name);
    else if (code == EXIT_OK)
        code = move(&kept, &from, &to);
    profile_free(&to);
    profile_free(&from);
    profile_free(&kept);
    return code;
}

int store_main(int argc, char **argv) {
    store_options options = {.name = NULL};
    operands operands;
    exit_code code;

    if (!options_read(&command, argc, argv, &options, &operands, &code)) return code;
    if (operands.count == 0 || strcmp(operands.items[0], "move") != 0)
        return refuse_usage(&command, "it wants \"move\"");
    if (options.to == NULL) return refuse_usage(&command, "--to is missing");
    if (operands.count == 2) options.name = operands.items[1];
    return store_move(&options);
}
