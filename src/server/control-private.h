/*
 * The bytes on the control socket, for both ends.
 *
 * A frame is a 32-bit big-endian length and so many bytes, of which the first is CONTROL_VERSION. A
 * request: operation (varint), then its fields: texts as varint length and bytes, numbers as
 * varints. An answer: error kind (varint, 0: done), text for the user, text for the log, result
 * bytes. One request at a time on a connection.
 */
#ifndef SERVER_CONTROL_PRIVATE_H
#define SERVER_CONTROL_PRIVATE_H

#include "base/buf.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

struct err;

#define CONTROL_VERSION 1

enum control_op {
    CONTROL_USER_ADD = 1,
    CONTROL_USER_LIST,
    CONTROL_USER_PASSWD,
    CONTROL_USER_DELETE,
    CONTROL_IMPORT,
    CONTROL_CHECK,
    CONTROL_SUBSCRIPTION_LIST,
    CONTROL_SUBSCRIPTION_SHOW,
    CONTROL_SUBSCRIPTION_DELETE,
    CONTROL_WATCH,
    CONTROL_OP_COUNT
};
enum control_message_flags { CONTROL_READ = 1, CONTROL_DELIVERED = 2, CONTROL_DRAFT = 4 };

/*
 * The socket's address; a path too long for one goes through the directory's descriptor, which
 * *dir_fd_r keeps open (-1: not needed). ERR_IO when the directory is not there.
 */
int control_address(const char *dir, struct sockaddr_un *address_r, int *dir_fd_r,
                    struct err *err_r) WARN_UNUSED;

void control_add_bytes(struct buf *out, struct str bytes);
/* A frame is built behind room for its length and version. */
void control_frame_begin(struct buf *frame);
/* ERR_IO; ERR_TOO_LARGE for a frame nobody takes. Blocking. */
int control_frame_send(int fd, struct buf *frame, struct err *err_r) WARN_UNUSED;
/* 1: frame holds the content; 0: the peer closed before a frame. ERR_IO, ERR_TOO_LARGE,
 * ERR_NOT_SUPPORTED (another version). Blocking. */
int control_frame_receive(int fd, struct buf *frame, struct err *err_r) WARN_UNUSED;

#endif
