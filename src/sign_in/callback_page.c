#include "sign_in/callback_page.h"

#include <stdio.h>
#include <string.h>

typedef struct content {
    const char *status, *title, *text;
} content;

static const content contents[] = {
    [TI_CALLBACK_PAGE_SUCCESS] = {"200 OK", "You can go back to the app",
                                  "The sign-in is done here. You can close this page."},
    [TI_CALLBACK_PAGE_DECLINED] = {"200 OK", "The sign-in was declined",
                                   "Nothing was shared with the app. You can close this page."},
    [TI_CALLBACK_PAGE_FAILED] = {"200 OK", "The sign-in did not work",
                                 "The app says why. You can close this page and try again there."},
    [TI_CALLBACK_PAGE_NOT_FOUND] = {"404 Not Found", "Nothing is here",
                                    "An app waits here for its sign-in to be finished in the "
                                    "browser, and for nothing else."},
    [TI_CALLBACK_PAGE_NOT_ALLOWED] = {"405 Method Not Allowed\r\nAllow: GET", "", ""},
    [TI_CALLBACK_PAGE_MALFORMED] = {"400 Bad Request", "", ""},
};

/* The code in the address must go nowhere: neither into a cache nor into a Referer. */
static const char fields[] =
    "Content-Type: text/html; charset=utf-8\r\n"
    "Cache-Control: no-store\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'\r\n"
    "Connection: close\r\n";

static const char page_start[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<title>";
static const char page_style[] =
    "</title>\n"
    "<style>\n"
    ":root { color-scheme: light dark; }\n"
    "body { margin: 0; min-height: 100vh; display: grid; place-items: center;\n"
    "       font: 1.125rem/1.5 system-ui, sans-serif; color: #1c1c1e; background: #f5f5f7; }\n"
    "main { max-width: 28rem; padding: 2rem; text-align: center; }\n"
    "h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .75rem; }\n"
    "p { margin: 0; }\n"
    "@media (prefers-color-scheme: dark) { body { color: #f5f5f7; background: #1c1c1e; } }\n"
    "</style>\n"
    "</head>\n"
    "<body><main><h1>";

static void append_page(ti_buffer *page, const content *c) {
    ti_buffer_append_string(page, page_start);
    ti_buffer_append_string(page, c->title);
    ti_buffer_append_string(page, page_style);
    ti_buffer_append_string(page, c->title);
    ti_buffer_append_string(page, "</h1><p>");
    ti_buffer_append_string(page, c->text);
    ti_buffer_append_string(page, "</p></main></body>\n</html>\n");
}

void ti_callback_page_append(ti_buffer *buffer, ti_callback_page page, const char *success_html) {
    const content *c = &contents[page];
    ti_buffer body = TI_BUFFER_INIT;
    char head[1024];

    if (page == TI_CALLBACK_PAGE_SUCCESS && success_html != NULL)
        ti_buffer_append_string(&body, success_html);
    else if (*c->title != '\0')
        append_page(&body, c);
    snprintf(head, sizeof head, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n", c->status, fields,
             body.size);
    ti_buffer_append_string(buffer, head);
    ti_buffer_append(buffer, body.data, body.size);
    if (body.failed) buffer->failed = true;
    ti_buffer_free(&body);
}
