/*
 * Who only seems to be a Redis: it says the same to each command, whatever was asked.
 *
 *     redis_impostor *impostor = redis_impostor_start("$-1\r\n");
 *     options.url = redis_impostor_url(impostor);
 */
#ifndef TS_REDIS_IMPOSTOR_H
#define TS_REDIS_IMPOSTOR_H

typedef struct redis_impostor redis_impostor;

/* answer: borrowed; sent in one piece. One connection at a time. */
redis_impostor *redis_impostor_start(const char *answer);
void redis_impostor_free(redis_impostor *impostor); /* takes NULL */
const char *redis_impostor_url(const redis_impostor *impostor);

#endif
