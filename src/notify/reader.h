/*
 * Reads notices out of a log, for one subscription after the other within one transaction. It keeps the events that it read last and the folders that it looked up, so that
 * many who stand at the same place cost one reading. Callers: notices_read, and the hub's job.
 */
#ifndef NOTIFY_READER_H
#define NOTIFY_READER_H

#include "base/macros.h"
#include "mailbox/ids.h"

#include <stddef.h>

struct arena;
struct err;
struct mailbox_tx;
struct notice_page;
struct notice_reader;
struct subscription;

/* Lives in the transaction. */
struct notice_reader *notice_reader_new(struct mailbox_tx *tx);
void notice_reader_free(struct notice_reader **reader);
/* As notices_read. *start_r: where the reading began: `from`, unless the page says missed. */
int notice_reader_page(struct notice_reader *reader, const struct subscription *subscription,
                       struct log_position from, size_t max, struct arena *arena,
                       struct notice_page *page_r, struct log_position *start_r, struct err *err_r)
    WARN_UNUSED;

DEFINE_AUTO(notice_reader, notice_reader_free)

#endif
