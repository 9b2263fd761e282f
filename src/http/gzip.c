#include "http/http.h"

#include "base/mem.h"

#include <stdlib.h>
#include <zlib.h>

/* zlib's window size plus 16 asks for the gzip wrapper. */
#define GZIP_WINDOW_BITS (15 + 16)
#define GZIP_MEMORY_LEVEL 8

bool http_accepts_gzip(const struct http_exchange *x)
{
    struct str rest = http_header(x, "Accept-Encoding");

    while (rest.p != NULL && rest.n > 0) {
        struct str params = str_split(&rest, ',');
        struct str coding = str_trim(str_split(&params, ';'));
        struct str weight = str_trim(params);

        if (str_is_nocase(coding, "gzip")) {
            return !str_is(weight, "q=0") && !str_is(weight, "q=0.0") &&
                   !str_is(weight, "q=0.00") && !str_is(weight, "q=0.000");
        }
    }
    return false;
}

void http_gzip(struct http_answer *answer)
{
    z_stream z = {0};
    char *packed = NULL;
    size_t cap = answer->body_bytes;

    if (answer->gzip || answer->body_bytes < HTTP_GZIP_LEAST_BYTES ||
        answer->body_bytes > UINT32_MAX) {
        return;
    }
    if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW_BITS, GZIP_MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        return;
    }
    packed = mem_alloc(cap);
    z.next_in = (Bytef *)answer->body;
    z.avail_in = (uInt)answer->body_bytes;
    z.next_out = (Bytef *)packed;
    z.avail_out = (uInt)cap;
    /* Anything but the end means that it did not get smaller. */
    if (deflate(&z, Z_FINISH) == Z_STREAM_END) {
        free(answer->body);
        answer->body = take(&packed);
        answer->body_bytes = z.total_out;
        answer->gzip = true;
    }
    free(packed);
    (void)deflateEnd(&z);
}
