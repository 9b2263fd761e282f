/* A running server: the rooms wired together in order, and taken down in the reverse one. */
#ifndef SERVER_SERVE_H
#define SERVER_SERVE_H

#include "base/macros.h"
#include "server/admin.h"

struct config;
struct err;
struct serving;

/* Opens the store (made when create is set), starts workers, auth, control socket, sender, LMTP and last HTTP. The config must outlive it. */
int serve_start(const struct config *config, bool create, struct serving **serving_r,
                struct err *err_r) WARN_UNUSED;
/* Finishes what was accepted, then closes everything. */
void serve_stop(struct serving **serving);

/* "http://127.0.0.1:8080/EWS/Exchange.asmx" */
const char *serve_ews_url(const struct serving *serving);
/* "HOST:PORT", or "" without LMTP. */
const char *serve_lmtp_address(const struct serving *serving);
struct admin *serve_admin(struct serving *serving);

DEFINE_AUTO(serving, serve_stop)

#endif
