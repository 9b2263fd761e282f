#include "server/demo.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "server/admin.h"
#include "server/config.h"
#include "server/demo_mail.h"
#include "server/serve.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEMO_LISTEN "127.0.0.1:8080"
#define DEMO_LMTP "127.0.0.1:2400"
/* File descriptors for removing the tree. */
#define WALK_FDS 8

static const struct demo_user {
    struct demo_owner owner;
    const char *password;
} users[] = {
    {{"alice@example.com", "Alice Abel"}, "alice"},
    {{"bob@example.com", "Bob Berg"}, "bob"},
};

/* Folders in which the demo's mail lies; a folder is filled by one import, oldest first. */
static const char *const folders[] = {"Inbox", "Sent Items", "Inbox/Projects", "Archive", "Drafts"};

void demo_defaults(struct config *config)
{
    config->listen = DEMO_LISTEN;
    config->lmtp = DEMO_LMTP;
    config->push_targets = "loopback";
}

int demo_make_store(struct config *config, struct err *err_r)
{
    const char *tmp = getenv("TMPDIR");
    char *path = arena_printf(config->arena, "%s/ewer-demo-XXXXXX",
                              tmp != NULL && tmp[0] != '\0' ? tmp : "/tmp");

    if (config->data != NULL) {
        return err_tell(err_r, ERR_USAGE, "demo makes a store of its own: --data is for serve");
    }
    if (mkdtemp(path) == NULL) {
        return err_tell(err_r, ERR_IO, "cannot make %s: %s", path, strerror(errno));
    }
    config->data = path;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void demo_remove_store(const struct config *config)
{
    (void)nftw(config->data, remove_one, WALK_FDS, FTW_DEPTH | FTW_PHYS);
}

/* Imports the owner's messages of one folder, oldest first. */
static int fill_folder(struct admin *admin, const struct demo_owner *owner, const char *folder,
                       int64_t now_ms, struct err *err_r)
{
    AUTO(arena) arena = arena_new(NULL, "demo");
    struct admin_message *messages = ARENA_ARRAY(arena, struct admin_message, DEMO_MESSAGES);
    struct buf text = BUF_INIT;
    size_t n = 0;
    int rc;

    for (unsigned i = DEMO_MESSAGES; i-- > 0;) {
        struct demo_message m;

        buf_clear(&text);
        demo_message_write(owner, i, now_ms, &text, &m);
        if (strcmp(m.folder, folder) == 0) {
            messages[n++] = (struct admin_message){
                .bytes = str_dup(arena, buf_str(&text)),
                .received_ms = m.sent_ms,
                .read = m.read,
                .draft = strcmp(folder, "Drafts") == 0,
            };
        }
    }
    rc = admin_import(admin, str_from(owner->address), str_from(folder), messages, n, err_r);
    buf_fini(&text);
    return rc;
}

int demo_fill(struct admin *admin, struct err *err_r)
{
    int64_t now_ms = clock_unix_ms(clock_system());

    for (size_t u = 0; u < ARRAY_LEN(users); u++) {
        const struct demo_owner *owner = &users[u].owner;

        TRY(admin_user_add(admin, str_from(owner->address), str_from(owner->name),
                           str_from(users[u].password), err_r));
        for (size_t f = 0; f < ARRAY_LEN(folders); f++) {
            TRY(fill_folder(admin, owner, folders[f], now_ms, err_r));
        }
    }
    return 0;
}

json_t *demo_users_json(void)
{
    json_t *list = json_array();

    for (size_t u = 0; u < ARRAY_LEN(users); u++) {
        (void)json_array_append_new(list, json_pack("{s:s, s:s}", "address", users[u].owner.address,
                                                    "password", users[u].password));
    }
    return list;
}

void demo_print_welcome(const struct serving *serving)
{
    (void)printf("ewerd demo is ready.\n\n  EWS   %s\n  LMTP  %s\n\n", serve_ews_url(serving),
                 serve_lmtp_address(serving));
    for (size_t u = 0; u < ARRAY_LEN(users); u++) {
        (void)printf("  %s   password %s\n", users[u].owner.address, users[u].password);
    }
    (void)puts("\nThe store is thrown away at the end (Ctrl-C).");
    (void)fflush(stdout);
}
