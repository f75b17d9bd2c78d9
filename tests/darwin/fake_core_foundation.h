/* As much of Core Foundation as tacit uses, counted, for a machine that has none. */
#ifndef TEST_FAKE_CORE_FOUNDATION_H
#define TEST_FAKE_CORE_FOUNDATION_H

#include <CoreFoundation/CoreFoundation.h>

/* Objects that were made and not released. Constants are not among them. */
int fake_cf_alive(void);
/* The n-th creation from now on finds no memory (1: the next); 0: each finds some. */
void fake_cf_fail_at(int n);
/* Whether that one came. */
bool fake_cf_has_failed(void);

/* A copy, as the system's own results are. */
CFDataRef fake_cf_data(const void *bytes, size_t size);
/* The text of a string. */
const char *fake_cf_text(CFTypeRef string);
/* NULL: it has no such key. */
CFTypeRef fake_cf_value(CFDictionaryRef dictionary, CFStringRef key);
/* The i-th key; NULL: there are fewer. */
CFStringRef fake_cf_key(CFDictionaryRef dictionary, size_t i);

/* A string that is never freed. */
#define FAKE_CF_STRING(name)                                                                       \
    static struct __CFString name##_object = {.head = {.type = FAKE_CF_STRING_TYPE},               \
                                              .text = #name};                                      \
    const CFStringRef name = &name##_object

enum { FAKE_CF_STRING_TYPE = 1, FAKE_CF_DATA_TYPE, FAKE_CF_DICTIONARY_TYPE, FAKE_CF_BOOLEAN_TYPE };

typedef struct fake_cf_head {
    int type;
    int references; /* 0: a constant */
} fake_cf_head;

struct __CFString {
    fake_cf_head head;
    const char *text;
};

#endif
