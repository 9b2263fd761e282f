/* Numbers of the room base, each with its reason. Callers: the .c files of base only. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* An arena and its first block are one allocation of about a page: most requests need no second
 * one. */
#define ARENA_FIRST_BLOCK_BYTES 3968
/* Blocks double up to here; beyond, doubling would only waste the tail of the last block. */
#define ARENA_MAX_BLOCK_BYTES (1024 * 1024)

/* First growth of a buffer: holds a short answer, and is cheap to throw away. */
#define BUF_FIRST_BYTES 256

/* First size of a hash table; a power of two. */
#define MAP_FIRST_SLOTS 16

/* A value in a log line is cut here: the log says what happened, it does not store mail. */
#define LOG_VALUE_BYTES 512

/* getrandom(2) is atomic up to this size. */
#define RAND_PIECE_BYTES 256

/* xs:dateTime knows no zone further from UTC. */
#define TIME_MAX_OFFSET_MINUTES (14 * 60)

#endif
