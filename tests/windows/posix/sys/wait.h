#include "posix.h"

#define WIFEXITED(status) ((void)(status), 0)
#define WEXITSTATUS(status) (status)
#define WIFSIGNALED(status) ((void)(status), 0)
#define WTERMSIG(status) (status)
#define WNOHANG 1
#define waitpid(process, status, flags) ((void)(process), (void)(status), (pid_t)ts_missing())
