/*
 * Who asks: HTTP Basic credentials checked against the store's argon2id hashes, off the event loop;
 * successes cached briefly; failures slowed. Callers: server (the EWS and autodiscover doors), ctl
 * and the control socket for hashing.
 *
 * A user name is an address, DOMAIN\address, or a bare local part that exactly one user has.
 * Passwords are wiped after use and never logged.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "base/macros.h"
#include "base/str.h"
#include "mailbox/ids.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct auth;
struct clock;
struct err;
struct store;

struct auth_options {
    struct store *store;
    struct clock *clock;
    unsigned threads; /* argon2 checks at once; 0: default */
    int cache_ms;     /* how long a success is believed; 0: default */
    /* First delay of a failed login, doubled for each further one of that user or peer. */
    int fail_delay_ms;     /* 0: default */
    int fail_delay_max_ms; /* 0: default */
};
/* ERR_IO when threads cannot be started. */
int auth_new(const struct auth_options *options, struct auth **auth_r, struct err *err_r)
    WARN_UNUSED;
/* Answers what is waiting (ERR_SHUTTING_DOWN; failures that are held back: as they are) and ends
 * the threads. Nothing may be submitted any more. */
void auth_free(struct auth **auth);

#define AUTH_ADDRESS_BYTES 256
struct auth_identity {
    struct mailbox_no mailbox;
    char address[AUTH_ADDRESS_BYTES];      /* the user's address as stored */
    char display_name[AUTH_ADDRESS_BYTES]; /* cut on a character */
};

/*
 * authorization: the value of an Authorization header ("Basic …"). Thread-safe, does not block.
 * 1: known good and recent (only a keyed hash of the whole header is kept and compared); identity
 * filled. 0: must be checked by auth_submit. Negative ERR_AUTH_FAILED: not Basic, not base64,
 * over-long: no check would help.
 */
int auth_cached(struct auth *auth, struct str authorization, struct auth_identity *identity_r,
                struct err *err_r) WARN_UNUSED;

struct auth_job {
    struct str authorization; /* owned by the submitter until done */
    char peer[64];            /* address of the client, for slowing; empty: not known */
    struct auth_identity identity;
    /* Exactly once, on a thread of auth, never inside submit; for failures only after the delay
     * that slows them. rc 0, or ERR_AUTH_FAILED, ERR_BUSY (too many waiting), ERR_SHUTTING_DOWN,
     * ERR_IO. */
    void (*done)(struct auth_job *job, int rc);
    struct auth_job *next; /* auth's own */
    int64_t due_ms;        /* auth's own */
    int rc;                /* auth's own */
};
/* An unknown user costs the same as a wrong password. */
void auth_submit(struct auth *auth, struct auth_job *job);
/* The clock was moved by hand: delays that are over now end. For tests with a manual clock. */
void auth_poke(struct auth *auth);

/* $argon2id$ text for storing; arena-owned. About 50 ms of CPU. ERR_USAGE for an empty or over-long
 * password. */
int auth_hash_password(struct arena *arena, struct str password, struct str *hash_r,
                       struct err *err_r) WARN_UNUSED;

DEFINE_AUTO(auth, auth_free)

#endif
