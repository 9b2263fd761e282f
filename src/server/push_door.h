/*
 * Push: what the hub has for a listener becomes a SendNotification, is posted by the push room, and the listener's answer goes back to the hub.
 */
#ifndef SERVER_PUSH_DOOR_H
#define SERVER_PUSH_DOOR_H

#include "notify/hub.h"

struct ews_service;
struct push;

struct push_door {
    const struct ews_service *service;
    struct push *push;
};

/* For hub_options; the context is a struct push_door that outlives the hub. */
extern const struct push_ops push_door_ops;

#endif
