/* Of a Mac's system headers, what tacit uses: written for check_syntax.sh, not Apple's. */
#ifndef TACIT_DARWIN_CTYPE_H
#define TACIT_DARWIN_CTYPE_H

int isalnum(int);
int isalpha(int);
int isdigit(int);
int isspace(int);
int isxdigit(int);
int tolower(int);
int toupper(int);

#endif
