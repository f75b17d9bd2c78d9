/* What the doctor found, a line each: what is well, what is worth knowing, and what is a problem. */
#ifndef CLI_FINDINGS_H
#define CLI_FINDINGS_H

typedef struct findings {
    int problems;
} findings;

/* The sentence goes to the standard output, behind its subject. */
void finding_well(const char *subject, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void finding_note(const char *subject, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* advice: what to do about it; NULL where the sentence says it. */
void finding_problem(findings *findings, const char *advice, const char *subject,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
