/* When a token is due for renewal, and how long to wait after failures. Pure functions of clock values and drawn numbers. */
#ifndef TI_SCHEDULE_H
#define TI_SCHEDULE_H

#include <stdint.h>

/* random: any 32 bits, drawn once per token; it spreads the lead between one and two times its length, so that a fleet does not move in
 * step. lead_s: the app's, 0 for automatic. refresh_in_s: the server's, -1 for none. TI_NEVER where the lifetime is unknown. */
int64_t ti_schedule_due(int64_t issued_boot_ms, int64_t lifetime_ms, int64_t refresh_in_s,
                        int lead_s, uint32_t random);

/* The same for a token that a record brought: one that is over, or in its lead already, is put off by up to a minute at random, but not
 * beyond half of what it still lives. */
int64_t ti_schedule_due_loaded(int64_t due_boot_ms, int64_t expires_boot_ms, int64_t now_boot_ms,
                               uint32_t random);

/* When to tell that a refresh token ends: 3 days before, or a quarter of its lifetime, where that is less. TI_NEVER: the lifetime is
 * unknown. */
int64_t ti_schedule_warning(int64_t expires_boot_ms, int64_t lifetime_ms);
/* When to renew a refresh token for its own sake: before that, so that nobody is told where it helps, by the lead of an access token of
 * the same lifetime; never before half of it is over. */
int64_t ti_schedule_renewal(int64_t expires_boot_ms, int64_t lifetime_ms, uint32_t random);

/* R8: 1 s + random(0 .. min(5 min, 2^failures s)), failures counted from 0. */
int64_t ti_schedule_backoff_ms(unsigned failures, uint32_t random);

#endif
