/* Numbers of the room http, each with its reason. */
#ifndef HTTP_LIMITS_H
#define HTTP_LIMITS_H

/* A connection's pool holds request line and headers: bearer and Negotiate tokens reach some 12 kB. */
#define HTTP_POOL_BYTES (24 * 1024)
/* Event loops, unless the options say otherwise. */
#define HTTP_MOST_THREADS 16
/* Open connections; beyond, new ones are closed at once. */
#define HTTP_MAX_CONNECTIONS 20000
/* Of one peer address: a site behind one NAT, or a proxy, is one peer. */
#define HTTP_MAX_PER_PEER 15000
/* Headers must be complete this long after the first byte was due; slow senders go. */
#define HTTP_HEAD_TIMEOUT_MS 30000
/* A body must be complete within this plus its size at HTTP_BODY_LEAST_BYTES_PER_S. */
#define HTTP_BODY_TIMEOUT_MS 30000
#define HTTP_BODY_LEAST_BYTES_PER_S 16384
/* An answer that makes no progress for so long is given up; idle kept-alive connections too. */
#define HTTP_IDLE_TIMEOUT_S 300
/* A refused request's body is swallowed, so that the answer gets through and the connection lives, when it is declared no larger than this. */
#define HTTP_SWALLOW_BYTES (1024 * 1024)
/* Answers smaller than this are not worth compressing. */
#define HTTP_GZIP_LEAST_BYTES 1024
/* Fields of an answer beside the standard ones. */
#define HTTP_ANSWER_FIELDS 6
#define HTTP_FIELD_VALUE_BYTES 256

/* Streams of a server: libmicrohttpd no longer counts the connections of plain ones. */
#define HTTP_MAX_STREAMS 20000
/* A stream's peer that takes nothing for so long while bytes wait for it, here or in the kernel, is given up. Clients write one off after 90 s of silence. */
#define HTTP_STREAM_STALL_MS 90000
/* After a stream's end the peer has so long to take it and to hang up. */
#define HTTP_STREAM_LINGER_MS 10000
/* What the kernel may hold for a peer that reads slowly (it doubles the number): some documents. */
#define HTTP_STREAM_SOCKET_BYTES (64 * 1024)
/* A silent stream's peer is asked whether it is there; heartbeats mostly do that before. */
#define HTTP_STREAM_KEEPALIVE_S 60
#define HTTP_STREAM_KEEPALIVE_AGAIN_S 15

#endif
