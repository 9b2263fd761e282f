/* Numbers of the room auth, each with its reason. Callers: the .c files of auth and their tests. */
#ifndef AUTH_LIMITS_H
#define AUTH_LIMITS_H

/* An Authorization header: an address and a long passphrase, coded. */
#define AUTH_HEADER_BYTES 2048
#define AUTH_PASSWORD_BYTES 1024

/* A check takes 64 MiB and about 50 ms of a core. */
#define AUTH_THREADS 2
/* Checks that wait: six seconds of work; beyond, a client is told to come back. */
#define AUTH_MAX_WAITING 256
/* Of one peer among them, so that one alone does not keep the others out. */
#define AUTH_MAX_WAITING_PEER 64

/* How long a success is believed. A changed or deleted user ends it at once, whatever this says. */
#define AUTH_CACHE_MS (10 * 60 * 1000)
#define AUTH_CACHE_ENTRIES 8192

#define AUTH_FAIL_DELAY_MS 500
#define AUTH_FAIL_DELAY_MAX_MS 15000
/* Failures are forgotten after this time without a further one. */
#define AUTH_FORGET_MS (15 * 60 * 1000)
/* Users and peers whose failures are counted; the one that failed longest ago makes room. */
#define AUTH_THROTTLE_ENTRIES 16384
#define AUTH_THROTTLE_KEY_BYTES 320

#endif
