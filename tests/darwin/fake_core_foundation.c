#include "darwin/fake_core_foundation.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS_MAX 16

/* What Core Foundation leaves undefined of its types. */
struct __CFBoolean {
    fake_cf_head head;
};

struct __CFData {
    fake_cf_head head;
    const UInt8 *bytes;
    CFIndex size;
    UInt8 *own; /* NULL: the bytes are the caller's */
};

struct __CFDictionary {
    fake_cf_head head;
    size_t count;
    struct {
        CFTypeRef key, value;
    } pairs[PAIRS_MAX];
};

static struct __CFAllocator { int unused; } null_allocator;
static const struct __CFBoolean true_object = {.head = {.type = FAKE_CF_BOOLEAN_TYPE}};
static const struct __CFBoolean false_object = {.head = {.type = FAKE_CF_BOOLEAN_TYPE}};

const CFAllocatorRef kCFAllocatorDefault = NULL;
const CFAllocatorRef kCFAllocatorNull = &null_allocator;
const CFBooleanRef kCFBooleanTrue = &true_object;
const CFBooleanRef kCFBooleanFalse = &false_object;
const CFDictionaryKeyCallBacks kCFTypeDictionaryKeyCallBacks = {.version = 0};
const CFDictionaryValueCallBacks kCFTypeDictionaryValueCallBacks = {.version = 0};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    int alive;
    int fail_at; /* 0: none */
    bool has_failed;
} creations; /* guarded by lock */

int fake_cf_alive(void) {
    pthread_mutex_lock(&lock);
    int count = creations.alive;
    pthread_mutex_unlock(&lock);
    return count;
}

void fake_cf_fail_at(int n) {
    pthread_mutex_lock(&lock);
    creations.fail_at = n;
    creations.has_failed = false;
    pthread_mutex_unlock(&lock);
}

bool fake_cf_has_failed(void) {
    pthread_mutex_lock(&lock);
    bool has_failed = creations.has_failed;
    pthread_mutex_unlock(&lock);
    return has_failed;
}

static void *new_object(int type, size_t size) {
    fake_cf_head *object = NULL;
    pthread_mutex_lock(&lock);
    if (creations.fail_at == 1) {
        creations.has_failed = true;
    } else {
        object = calloc(1, size);
        assert(object != NULL);
        *object = (fake_cf_head){.type = type, .references = 1};
        creations.alive++;
    }
    if (creations.fail_at > 0) creations.fail_at--;
    pthread_mutex_unlock(&lock);
    return object;
}

CFTypeID CFGetTypeID(CFTypeRef cf) {
    return (CFTypeID)((const fake_cf_head *)cf)->type;
}

/* The new count; -1: a constant, which has none. */
static int count(CFTypeRef cf, int change) {
    fake_cf_head *object = (fake_cf_head *)(uintptr_t)cf;
    assert(object != NULL);
    if (object->type == FAKE_CF_BOOLEAN_TYPE) return -1;
    pthread_mutex_lock(&lock);
    int references = object->references == 0 ? -1 : (object->references += change);
    if (references == 0) creations.alive--;
    pthread_mutex_unlock(&lock);
    return references;
}

CFTypeRef CFRetain(CFTypeRef cf) {
    count(cf, 1);
    return cf;
}

static void free_content(CFTypeRef cf) {
    switch (CFGetTypeID(cf)) {
    case FAKE_CF_STRING_TYPE:
        free((char *)(uintptr_t)((CFStringRef)cf)->text);
        break;
    case FAKE_CF_DATA_TYPE:
        free(((CFDataRef)cf)->own);
        break;
    case FAKE_CF_DICTIONARY_TYPE: {
        CFDictionaryRef dictionary = cf;
        for (size_t i = 0; i < dictionary->count; i++) {
            CFRelease(dictionary->pairs[i].key);
            CFRelease(dictionary->pairs[i].value);
        }
        break;
    }
    default:
        break;
    }
}

void CFRelease(CFTypeRef cf) {
    if (count(cf, -1) != 0) return;
    free_content(cf);
    free((void *)(uintptr_t)cf);
}

/*
 * Strings
 */

/* As strict as RFC 3629 about lengths, which is all that the tests need. */
static bool is_utf8(const char *text) {
    const unsigned char *next = (const unsigned char *)text;
    while (*next) {
        int more = *next < 0x80                    ? 0
                   : *next >= 0xc2 && *next < 0xe0 ? 1
                   : *next >= 0xe0 && *next < 0xf0 ? 2
                   : *next >= 0xf0 && *next < 0xf5 ? 3
                                                   : -1;
        if (more < 0) return false;
        next++;
        for (; more > 0; more--, next++) {
            if ((*next & 0xc0) != 0x80) return false;
        }
    }
    return true;
}

CFStringRef CFStringCreateWithCString(CFAllocatorRef alloc, const char *cStr,
                                      CFStringEncoding encoding) {
    assert(alloc == kCFAllocatorDefault && encoding == kCFStringEncodingUTF8);
    if (!is_utf8(cStr)) return NULL;
    struct __CFString *string = new_object(FAKE_CF_STRING_TYPE, sizeof *string);
    if (string != NULL) string->text = strdup(cStr);
    return string;
}

const char *fake_cf_text(CFTypeRef string) {
    assert(CFGetTypeID(string) == FAKE_CF_STRING_TYPE);
    return ((CFStringRef)string)->text;
}

/*
 * Data
 */

CFTypeID CFDataGetTypeID(void) {
    return FAKE_CF_DATA_TYPE;
}

CFDataRef CFDataCreateWithBytesNoCopy(CFAllocatorRef allocator, const UInt8 *bytes, CFIndex length,
                                      CFAllocatorRef bytesDeallocator) {
    assert(allocator == kCFAllocatorDefault && bytesDeallocator == kCFAllocatorNull && length >= 0);
    struct __CFData *data = new_object(FAKE_CF_DATA_TYPE, sizeof *data);
    if (data == NULL) return NULL;
    data->bytes = bytes;
    data->size = length;
    return data;
}

CFDataRef fake_cf_data(const void *bytes, size_t size) {
    UInt8 *own = malloc(size + 1);
    assert(own != NULL);
    memcpy(own, bytes, size);
    struct __CFData *data = new_object(FAKE_CF_DATA_TYPE, sizeof *data);
    if (data == NULL) {
        free(own);
        return NULL;
    }
    data->bytes = data->own = own;
    data->size = (CFIndex)size;
    return data;
}

CFIndex CFDataGetLength(CFDataRef theData) {
    assert(CFGetTypeID(theData) == FAKE_CF_DATA_TYPE);
    return theData->size;
}

const UInt8 *CFDataGetBytePtr(CFDataRef theData) {
    assert(CFGetTypeID(theData) == FAKE_CF_DATA_TYPE);
    return theData->bytes;
}

/*
 * Dictionaries, whose keys are constants
 */

CFMutableDictionaryRef CFDictionaryCreateMutable(CFAllocatorRef allocator, CFIndex capacity,
                                                 const CFDictionaryKeyCallBacks *keyCallBacks,
                                                 const CFDictionaryValueCallBacks *valueCallBacks) {
    assert(allocator == kCFAllocatorDefault && capacity == 0);
    assert(keyCallBacks == &kCFTypeDictionaryKeyCallBacks);
    assert(valueCallBacks == &kCFTypeDictionaryValueCallBacks);
    struct __CFDictionary *dictionary = new_object(FAKE_CF_DICTIONARY_TYPE, sizeof *dictionary);
    return dictionary;
}

void CFDictionarySetValue(CFMutableDictionaryRef theDict, const void *key, const void *value) {
    assert(theDict != NULL && key != NULL && value != NULL);
    assert(fake_cf_value(theDict, key) == NULL && theDict->count < PAIRS_MAX);
    theDict->pairs[theDict->count].key = CFRetain(key);
    theDict->pairs[theDict->count].value = CFRetain(value);
    theDict->count++;
}

CFTypeRef fake_cf_value(CFDictionaryRef dictionary, CFStringRef key) {
    for (size_t i = 0; i < dictionary->count; i++) {
        if (dictionary->pairs[i].key == key) return dictionary->pairs[i].value;
    }
    return NULL;
}

CFStringRef fake_cf_key(CFDictionaryRef dictionary, size_t i) {
    return i < dictionary->count ? dictionary->pairs[i].key : NULL;
}
