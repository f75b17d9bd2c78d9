/* A MariaDB and a redis-server, where they are wanted, for one test program: on sockets in a directory
 * of its own. */
#ifndef E2E_DATA_SERVERS_H
#define E2E_DATA_SERVERS_H

#include <stdbool.h>

typedef struct data_servers data_servers;

data_servers *data_servers_start(bool wants_database, bool wants_redis);
void data_servers_stop(data_servers *servers); /* takes NULL */

const char *data_servers_directory(const data_servers *servers); /* for files; gone with them */
/* How a back-end finds them: "NAME=value", NULL-terminated. */
const char *const *data_servers_environment(const data_servers *servers);

/* What the command-line clients print; yours. They must succeed. */
char *data_servers_sql(const data_servers *servers, const char *statement);
char *data_servers_redis(const data_servers *servers, const char *const *command);

#endif
