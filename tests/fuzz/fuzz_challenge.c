/* Header values, one a line. */
#include "oauth/challenge.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) abort();
}

/* Names are never empty nor upper case, and all text together is not longer than what was read. */
static void check(const ti_challenges *challenges, size_t input_size) {
    size_t total = 0;
    for (size_t i = 0; i < challenges->count; i++) {
        const ti_challenge *challenge = &challenges->items[i];
        require(challenge->scheme[0] != '\0');
        total += strlen(challenge->scheme) + (challenge->token68 ? strlen(challenge->token68) : 0);
        for (size_t j = 0; j < challenge->param_count; j++) {
            const char *name = challenge->params[j].name;
            require(name[0] != '\0' && strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ \",=") == NULL);
            require(ti_challenge_param_value(challenge, name) != NULL);
            total += strlen(name) + strlen(challenge->params[j].value);
        }
    }
    require(total <= input_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (!text) return 0;
    memcpy(text, data, size);
    text[size] = '\0';

    ti_challenges challenges = {.items = NULL};
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        /* A line of its own, so that reading beyond its end shows. */
        char *value = strdup(line);
        if (value) require(ti_challenges_parse(&challenges, value));
        free(value);
    }
    check(&challenges, size);
    static const int codes[] = {400, 401, 403, 200};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        bool refuses = ti_challenges_refuse_token(&challenges, codes[i]);
        if (codes[i] == 200) require(!refuses);
        if (codes[i] == 401 && challenges.count == 0) require(refuses);
    }
    ti_challenges_free(&challenges);
    free(text);
    return 0;
}
