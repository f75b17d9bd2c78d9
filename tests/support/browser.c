#include "support/browser.h"

#include "support/unit.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/buffer.h"

enum { PATIENCE_S = 20 };

struct browser {
    /* set at creation, then read-only */
    browser_user user;

    /* the one that opens, until it has */
    pthread_t thread;
    bool started;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    char *url; /* guarded by lock */
    bool over; /* ... and what follows is set before it */
    char *location, *page;
    int status;
};

static size_t take(char *data, size_t size, size_t count, void *page) {
    return ti_buffer_append(page, data, size * count) ? size * count : 0;
}

/* Not CURLINFO_REDIRECT_URL, which takes a private-use scheme for a relative URL. */
static size_t find_location(char *line, size_t size, size_t count, void *location) {
    static const char name[] = "Location: ";

    if (size * count > strlen(name) && strncasecmp(line, name, strlen(name)) == 0) {
        char *value = strndup(line + strlen(name), size * count - strlen(name));

        value[strcspn(value, "\r\n")] = '\0';
        free(*(char **)location);
        *(char **)location = value;
    }
    return size * count;
}

static int get(const char *url, bool follow, char **page, char **location) {
    CURL *curl = curl_easy_init();
    ti_buffer body = TI_BUFFER_INIT;
    char *found = NULL;
    long status = 0;

    assert_non_null(curl);
    assert_true(ti_buffer_append(&body, "", 0));
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)PATIENCE_S);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, follow ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, find_location);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &found);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    if (location != NULL)
        *location = found;
    else
        free(found);
    if (page != NULL)
        *page = body.data;
    else
        ti_buffer_free(&body);
    return (int)status;
}

int browser_get(const char *url, char **page, char **location) {
    return get(url, false, page, location);
}

static void *visit(void *data) {
    browser *b = data;
    char *page = NULL, *location = NULL;
    int status = 0;

    if (b->user != BROWSER_LEAVES)
        status = get(b->url, b->user == BROWSER_SIGNS_IN, &page, &location);
    pthread_mutex_lock(&b->lock);
    b->status = status;
    b->page = page;
    b->location = location;
    b->over = true;
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

bool browser_open(const char *url, void *data) {
    browser *b = data;

    pthread_mutex_lock(&b->lock);
    b->url = strdup(url);
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->lock);
    if (b->user == BROWSER_FAILS) return false;
    b->started = pthread_create(&b->thread, NULL, visit, b) == 0;
    return b->started;
}

browser *browser_new(browser_user user) {
    browser *b = calloc(1, sizeof *b);

    assert_non_null(b);
    b->user = user;
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->changed, NULL);
    return b;
}

void browser_free(browser *b) {
    if (b == NULL) return;
    if (b->started) pthread_join(b->thread, NULL);
    pthread_cond_destroy(&b->changed);
    pthread_mutex_destroy(&b->lock);
    free(b->url);
    free(b->page);
    free(b->location);
    free(b);
}

static void wait_for(browser *b, bool over) {
    struct timespec end;
    int result = 0;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&b->lock);
    while (result == 0 && !(over ? b->over : b->url != NULL))
        result = pthread_cond_timedwait(&b->changed, &b->lock, &end);
    pthread_mutex_unlock(&b->lock);
    if (result != 0) fail_msg("the browser was not %s", over ? "done" : "opened");
}

const char *browser_url(browser *b) {
    wait_for(b, false);
    return b->url;
}

const char *browser_callback(browser *b) {
    wait_for(b, true);
    assert_non_null(b->location);
    return b->location;
}

int browser_status(browser *b) {
    wait_for(b, true);
    return b->status;
}

const char *browser_page(browser *b) {
    wait_for(b, true);
    return b->page;
}

char *browser_parameter(const char *url, const char *name) {
    size_t size = strlen(name);

    for (const char *at = strpbrk(url, "?&"); at != NULL; at = strpbrk(at + 1, "?&")) {
        char *value, *copy, *plus;

        if (strncmp(at + 1, name, size) != 0 || at[1 + size] != '=') continue;
        copy = strndup(at + 2 + size, strcspn(at + 2 + size, "&#"));
        while ((plus = strchr(copy, '+')) != NULL) *plus = ' ';
        value = curl_easy_unescape(NULL, copy, 0, NULL);
        free(copy);
        copy = strdup(value);
        curl_free(value);
        return copy;
    }
    return NULL;
}
