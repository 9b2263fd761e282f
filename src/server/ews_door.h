/*
 * The EWS endpoint: an HTTP exchange becomes an authenticated call, runs on its mailbox's worker and is answered. The one place where http, auth, ews and the workers meet.
 */
#ifndef SERVER_EWS_DOOR_H
#define SERVER_EWS_DOOR_H

#include "http/http.h"

struct auth;
struct budget;
struct config;
struct ews_service;
struct metrics;
struct sender;
struct workers;

struct ews_door {
    struct auth *auth;
    const struct ews_service *service;
    struct workers *workers;
    struct sender *sender; /* poked after a commit that queued something */
    struct clock *clock;
    struct budget *budget;
    const struct config *config; /* limits of users */
    struct metrics *metrics;
};

/* The handler for the route /EWS/Exchange.asmx; door must outlive the server. */
struct http_handler ews_door_handler(struct ews_door *door);

#endif
