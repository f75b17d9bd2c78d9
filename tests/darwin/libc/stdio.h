/* Of a Mac's system headers, what tacit uses: written for check_syntax.sh, not Apple's. */
#ifndef TACIT_DARWIN_STDIO_H
#define TACIT_DARWIN_STDIO_H

#include <stdarg.h>
#include <sys/types.h>

typedef struct __sFILE FILE;
extern FILE *__stdinp;
extern FILE *__stdoutp;
extern FILE *__stderrp;
#define stdin __stdinp
#define stdout __stdoutp
#define stderr __stderrp
#define EOF (-1)
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
int asprintf(char **restrict, const char *restrict, ...) __attribute__((format(printf, 2, 3)));
int fclose(FILE *);
FILE *fopen(const char *restrict, const char *restrict);
int fprintf(FILE *restrict, const char *restrict, ...) __attribute__((format(printf, 2, 3)));
size_t fread(void *restrict, size_t, size_t, FILE *restrict);
size_t fwrite(const void *restrict, size_t, size_t, FILE *restrict);
int rename(const char *, const char *);
int renameat(int, const char *, int, const char *);
int snprintf(char *restrict, size_t, const char *restrict, ...)
    __attribute__((format(printf, 3, 4)));
int sprintf(char *restrict, const char *restrict, ...) __attribute__((format(printf, 2, 3)));
int sscanf(const char *restrict, const char *restrict, ...) __attribute__((format(scanf, 2, 3)));
int vasprintf(char **restrict, const char *restrict, va_list) __attribute__((format(printf, 2, 0)));
int vsnprintf(char *restrict, size_t, const char *restrict, va_list)
    __attribute__((format(printf, 3, 0)));

#endif
