#include "transport/date.h"

#include <curl/curl.h>

bool ti_date_read(const char *text, int64_t *unix_s) {
    time_t seconds = curl_getdate(text, NULL);
    *unix_s = seconds;
    return seconds != -1;
}
