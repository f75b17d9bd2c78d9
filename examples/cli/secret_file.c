#include "secret_file.h"

#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Without stdio, which would keep a copy. -1: errno says why. */
static ssize_t read_whole(int file, char *text, size_t capacity) {
    size_t size = 0;

    while (size < capacity) {
        ssize_t got = read(file, text + size, capacity - size);

        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        size += (size_t)got;
    }
    return (ssize_t)size;
}

static bool is_one_line(char *text, size_t size) {
    if (size > 0 && text[size - 1] == '\n') size--;
    if (size > 0 && text[size - 1] == '\r') size--;
    text[size] = '\0';
    return size > 0 && strlen(text) == size && strpbrk(text, "\r\n") == NULL;
}

bool secret_file_read(const char *path, char secret[SECRET_FILE_MAX]) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    ssize_t size = -1;

    if (file >= 0 && fstat(file, &about) == 0) {
        if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
            say("tacit: others may open %s: chmod 600 it.", path);
        size = read_whole(file, secret, SECRET_FILE_MAX - 1);
    }
    if (size < 0) complain(EXIT_FAILED, "%s: %s", path, strerror(errno));
    if (file >= 0) close(file);
    if (size < 0) return false;
    if (is_one_line(secret, (size_t)size)) return true;
    complain(EXIT_FAILED, "%s is not a secret of one line.", path);
    explicit_bzero(secret, SECRET_FILE_MAX);
    return false;
}
