#include "base/mem.h"

#include <stdlib.h>
#include <unistd.h>

void mem_die(void)
{
    static const char text[] = "out of memory\n";

    /* Nothing that allocates may run here; the result does not matter any more. */
    if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0) {
        abort();
    }
    abort();
}

void *mem_alloc(size_t bytes)
{
    void *p = malloc(bytes != 0 ? bytes : 1);

    if (p == NULL) {
        mem_die();
    }
    return p;
}

void *mem_alloc_zero(size_t n, size_t element_bytes)
{
    void *p = calloc(n != 0 ? n : 1, element_bytes != 0 ? element_bytes : 1);

    if (p == NULL) {
        mem_die();
    }
    return p;
}

void *mem_realloc(void *p, size_t bytes)
{
    void *q = realloc(p, bytes != 0 ? bytes : 1);

    if (q == NULL) {
        mem_die();
    }
    return q;
}
