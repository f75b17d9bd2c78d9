/* What the browser is answered: whole HTTP/1.1 responses with pages that need neither network nor scripts, and repeat nothing of what
 * was asked. Pure. */
#ifndef TI_CALLBACK_PAGE_H
#define TI_CALLBACK_PAGE_H

#include "base/buffer.h"

typedef enum ti_callback_page {
    TI_CALLBACK_PAGE_SUCCESS,
    TI_CALLBACK_PAGE_DECLINED, /* the user said no */
    TI_CALLBACK_PAGE_FAILED,   /* the server's error; the app says which */
    TI_CALLBACK_PAGE_NOT_FOUND,
    TI_CALLBACK_PAGE_NOT_ALLOWED,
    TI_CALLBACK_PAGE_MALFORMED
} ti_callback_page;

/* success_html: the app's, instead of the page of success; may be NULL. Appends; buffer->failed says that there was no memory. */
void ti_callback_page_append(ti_buffer *buffer, ti_callback_page page, const char *success_html);

#endif
