/*
 * ewerd demo: a throw-away store with two sample mailboxes – a few hundred realistic messages, meeting requests and attachments among them – so that a client can be tried within a second.
 */
#ifndef SERVER_DEMO_H
#define SERVER_DEMO_H

#include "base/macros.h"

#include <jansson.h>

struct admin;
struct config;
struct err;
struct serving;

/* Addresses to listen on unless told otherwise. */
void demo_defaults(struct config *config);
/* A fresh directory for config->data (unless one is set), and its end. */
int demo_make_store(struct config *config, struct err *err_r) WARN_UNUSED;
void demo_remove_store(const struct config *config);
/* Users and mail, by the same calls that ewerctl uses. The same mail every time, but for the dates, which lie before now. */
int demo_fill(struct admin *admin, struct err *err_r) WARN_UNUSED;

json_t *demo_users_json(void);
void demo_print_welcome(const struct serving *serving);

#endif
