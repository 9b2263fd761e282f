#include "ctl/progress.h"

#include "base/clock.h"

#include <stdio.h>
#include <unistd.h>

#define BAR_WIDTH 30

void progress_init(struct progress *p, size_t total)
{
    *p = (struct progress){.total = total,
                           .bar = isatty(STDERR_FILENO) != 0,
                           .start_ms = clock_monotonic_ms(clock_system())};
}

static void show_bar(const struct progress *p, size_t done, size_t percent)
{
    static const char full[BAR_WIDTH + 1] = "##############################";
    int width = (int)(percent * BAR_WIDTH / 100);
    int64_t ms = clock_monotonic_ms(clock_system()) - p->start_ms;

    (void)fprintf(stderr, "\r[%-*.*s] %3zu%%  %zu of %zu, %llu a second ", BAR_WIDTH, width, full,
                  percent, done, p->total,
                  (unsigned long long)(done * 1000 / (size_t)(ms > 0 ? ms : 1)));
}

void progress_show(struct progress *p, size_t done)
{
    size_t percent = p->total > 0 ? done * 100 / p->total : 100;

    if (p->bar) {
        show_bar(p, done, percent);
    } else if (percent / 10 > p->told / 10) {
        (void)fprintf(stderr, "%zu%%: %zu of %zu messages\n", percent / 10 * 10, done, p->total);
    }
    p->told = percent;
}

void progress_fini(struct progress *p)
{
    if (p->bar) {
        (void)fputc('\n', stderr);
    }
}
