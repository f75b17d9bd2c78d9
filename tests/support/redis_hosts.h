/*
 * Machines in one process's reach: network namespaces, each with a line of its own to the one where Redis and the authorization server
 * run. All of it ends with the test program.
 *
 *     if (!hosts_are_possible()) return 0;     before any thread
 *     host_machine *a = host_machine_new(1, server_port);
 *     host_machine_enter(a);  ... what is started now runs there ...  host_machine_leave();
 *     host_machine_cut(a, true);
 */
#ifndef TS_REDIS_HOSTS_H
#define TS_REDIS_HOSTS_H

#include <stdbool.h>

typedef struct host_machine host_machine;

/* The address of the middle, from the machine of that number. */
#define HOST_MIDDLE "10.213.%d.1"

/* Puts this process into a network of its own. false: not permitted here, and the sentence that says so is printed. */
bool hosts_are_possible(void);

/* number: 1 to 9. At 127.0.0.1:port the machine finds what is there in the middle. */
host_machine *host_machine_new(int number, int port);
void host_machine_free(host_machine *machine);

/* The calling thread, and what it starts. */
void host_machine_enter(const host_machine *machine);
void host_machine_leave(void);
/* Its line to the middle is down; 127.0.0.1:port stays. */
void host_machine_cut(const host_machine *machine, bool cut);

#endif
