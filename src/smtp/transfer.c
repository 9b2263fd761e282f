#include "smtp/transfer.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "smtp/smtp.h"

#include <stdio.h>
#include <string.h>

/* ---- the smarthost ---- */

/* Without user part, port and path; an IPv6 address with its brackets. */
static struct str host_of(struct str rest)
{
    size_t end;

    rest = str_split(&rest, '/');
    if (rest.n != 0 && rest.p[0] == '[') {
        end = str_find_char(rest, ']', 0);
        return end == SIZE_MAX ? STR("") : str_sub(rest, 0, end + 1);
    }
    return str_split(&rest, ':');
}

static bool is_loopback(struct str host)
{
    return str_is_nocase(host, "localhost") || str_starts(host, STR("127.")) ||
           str_is(host, "[::1]");
}

static char *copy_or_null(struct arena *arena, const char *s)
{
    return s != NULL ? arena_strdup(arena, s) : NULL;
}

/* TLS is a must for a password that leaves the machine, and who presents a certificate must then be who he says. */
int smarthost_init(struct smarthost *host, const struct sender_options *options,
                   struct arena *arena, struct err *err_r)
{
    struct str url = str_from(options->smarthost_url), rest, name;
    bool implicit = str_starts_nocase(url, STR("smtps://"));

    if (!implicit && !str_starts_nocase(url, STR("smtp://"))) {
        return err_tell(err_r, ERR_USAGE, "'%.*s' is not of the form smtp://HOST:PORT",
                        STR_ARG(url));
    }
    rest = str_sub(url, implicit ? 8 : 7, SIZE_MAX);
    name = host_of(rest);
    if (name.n == 0 || str_find_char(rest, '@', 0) != SIZE_MAX) {
        return err_tell(err_r, ERR_USAGE,
                        "'%.*s' names no host, or more than that: user and password stand apart",
                        STR_ARG(url));
    }
    rest = str_split(&rest, '/');
    *host = (struct smarthost){
        .url = arena_printf(arena, "%s://%.*s/%s", implicit ? "smtps" : "smtp", STR_ARG(rest),
                            options->hostname),
        .user = copy_or_null(arena, options->user),
        .password = copy_or_null(arena, options->password),
        .ca_file = copy_or_null(arena, options->ca_file),
        .needs_tls = options->require_tls || (options->user != NULL && !is_loopback(name)),
        .reply_ms = options->reply_ms != 0 ? (long)options->reply_ms : SMTP_REPLY_MS,
    };
    host->verifies =
        host->needs_tls || implicit || options->user != NULL || options->ca_file != NULL;
    return 0;
}

/* ---- the message ---- */

static bool has_bare_end(struct str s)
{
    size_t i;

    for (i = 0; i < s.n; i++) {
        bool crlf = s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n';

        if (!crlf && (s.p[i] == '\r' || s.p[i] == '\n')) {
            return true;
        }
        i += crlf ? 1 : 0;
    }
    return false;
}

struct str transfer_wire_form(struct arena *arena, struct str mime)
{
    struct buf out = BUF_INIT;
    struct str wire;
    size_t i;

    if (!has_bare_end(mime)) {
        return mime;
    }
    for (i = 0; i < mime.n; i++) {
        char c = mime.p[i];

        if (c != '\r' && c != '\n') {
            buf_add_char(&out, c);
            continue;
        }
        BUF_LIT(&out, "\r\n");
        i += c == '\r' && i + 1 < mime.n && mime.p[i + 1] == '\n' ? 1 : 0;
    }
    wire = str_dup(arena, buf_str(&out));
    buf_fini(&out);
    return wire;
}

/* ---- what libcurl calls ---- */

static size_t give_bytes(char *out, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    struct str piece = str_sub(t->mime, t->read, size * n);

    if (piece.n != 0) {
        memcpy(out, piece.p, piece.n);
        t->read += piece.n;
    }
    return piece.n;
}

/* Replies count against a bound; less than what came ends the transfer. */
static size_t count_reply(char *p, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;

    (void)p;
    t->reply_bytes += size * n;
    return t->reply_bytes <= SMTP_REPLIES_BYTES ? size * n : 0;
}

static bool names_somebody(struct str command)
{
    return str_starts_nocase(command, STR("MAIL ")) || str_starts_nocase(command, STR("RCPT ")) ||
           str_starts_nocase(command, STR("DATA"));
}

static void note_command(struct transfer *t, struct str command)
{
    t->stage = names_somebody(command) ? STAGE_ENVELOPE : STAGE_GREETING;
}

/* A new reply begins after the last line ("250 ") of the one before. */
static void note_reply(struct transfer *t, struct str line)
{
    bool last = line.n >= 4 && line.p[3] == ' ';

    if (t->reply_ended) {
        t->reply_n = 0;
        t->reply_ended = false;
    }
    line = str_trim(line);
    for (size_t i = 0; i < line.n && t->reply_n < SMTP_REPLY_BYTES; i++) {
        t->reply[t->reply_n++] = line.p[i] >= 0x20 && line.p[i] < 0x7f ? line.p[i] : '?';
    }
    t->reply_ended = last;
    if (!last && t->reply_n < SMTP_REPLY_BYTES) {
        t->reply[t->reply_n++] = ' ';
    }
}

/* Commands may carry secrets: they are looked at and not kept. QUIT comes when the outcome is settled: what follows says nothing about it. */
static int look(CURL *easy, curl_infotype type, char *p, size_t n, void *ctx)
{
    struct transfer *t = ctx;

    if (!t->quit && type == CURLINFO_HEADER_OUT && str_starts(str_of(p, n), STR("QUIT"))) {
        /* Politeness waits no longer than this. */
        curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, 1L);
        t->quit = true;
    }
    if (t->quit) {
        return 0;
    }
    if (type == CURLINFO_HEADER_OUT) {
        note_command(t, str_of(p, n));
    } else if (type == CURLINFO_HEADER_IN) {
        note_reply(t, str_of(p, n));
    } else if (type == CURLINFO_DATA_OUT) {
        t->stage = STAGE_BODY;
    }
    return 0;
}

/* ---- life of a transfer ---- */

static int check_abort(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct transfer *t = ctx;

    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return atomic_load(t->abort);
}

static void set_connection(CURL *e, const struct smarthost *host)
{
    curl_easy_setopt(e, CURLOPT_URL, host->url);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)SMTP_CONNECT_MS);
    curl_easy_setopt(e, CURLOPT_SERVER_RESPONSE_TIMEOUT, (host->reply_ms + 999) / 1000);
    curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)SMTP_STALL_S);
    curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, (long)SMTP_KEEP_CONNECTION_S);
    curl_easy_setopt(e, CURLOPT_USE_SSL, (long)(host->needs_tls ? CURLUSESSL_ALL : CURLUSESSL_TRY));
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, host->verifies ? 1L : 0L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, host->verifies ? 2L : 0L);
    if (host->ca_file != NULL) {
        curl_easy_setopt(e, CURLOPT_CAINFO, host->ca_file);
        curl_easy_setopt(e, CURLOPT_CAPATH, NULL); /* these authorities and no others */
    }
    if (host->user != NULL) {
        curl_easy_setopt(e, CURLOPT_SASL_IR, 1L);
        curl_easy_setopt(e, CURLOPT_USERNAME, host->user);
        curl_easy_setopt(e, CURLOPT_PASSWORD, host->password != NULL ? host->password : "");
    }
}

static void set_callbacks(CURL *e, struct transfer *t)
{
    curl_easy_setopt(e, CURLOPT_READFUNCTION, give_bytes);
    curl_easy_setopt(e, CURLOPT_READDATA, t);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, count_reply);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, count_reply);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(e, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(e, CURLOPT_DEBUGFUNCTION, look);
    curl_easy_setopt(e, CURLOPT_DEBUGDATA, t);
    curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, check_abort);
    curl_easy_setopt(e, CURLOPT_XFERINFODATA, t);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
}

/* With brackets, as the protocol has it: libcurl then takes it as it is. */
static void bracket(char out[SMTP_REPLY_BYTES], struct str address)
{
    (void)snprintf(out, SMTP_REPLY_BYTES, "<%.*s>", STR_ARG(address));
}

void transfer_init(struct transfer *t, const struct smarthost *host, struct str sender,
                   struct str recipient, struct str mime)
{
    *t = (struct transfer){
        .host = host, .sender = sender, .recipient = recipient, .mime = mime, .reply_ended = true};
}

void transfer_perform(struct transfer *t, CURL *easy, const atomic_bool *abort)
{
    struct curl_slist *recipients;
    char text[SMTP_REPLY_BYTES];

    t->abort = abort;
    bracket(text, t->recipient);
    recipients = curl_slist_append(NULL, text);
    if (recipients == NULL) {
        mem_die();
    }
    curl_easy_reset(easy);
    set_connection(easy, t->host);
    set_callbacks(easy, t);
    bracket(text, t->sender);
    curl_easy_setopt(easy, CURLOPT_MAIL_FROM, text);
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, recipients);
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->mime.n);
    t->result = curl_easy_perform(easy);
    curl_easy_reset(easy);
    curl_slist_free_all(recipients);
}

/* 530, 534, 535 and 538 are about who we are: the configuration's fault, not the message's. */
static bool refuses(const struct transfer *t)
{
    static const char *const about_us[] = {"530", "534", "535", "538"};
    struct str code = str_of(t->reply, t->reply_n < 3 ? t->reply_n : 3);

    for (size_t i = 0; i < ARRAY_LEN(about_us); i++) {
        if (str_is(code, about_us[i])) {
            return false;
        }
    }
    return t->stage != STAGE_GREETING && t->reply_ended && code.n == 3 && code.p[0] == '5';
}

enum transfer_outcome transfer_outcome(const struct transfer *t, struct str *reply_r)
{
    bool is_reply = t->reply_ended && t->reply_n >= 3;

    if (t->result == CURLE_OK) {
        *reply_r = str_of(t->reply, t->reply_n);
        return TRANSFER_SENT;
    }
    /* A reply that is no refusal (250 to RCPT, then silence) does not tell the trouble; libcurl does. */
    if (is_reply && (t->reply[0] == '4' || t->reply[0] == '5')) {
        *reply_r = str_of(t->reply, t->reply_n);
    } else {
        *reply_r = str_from(t->error[0] != '\0' ? t->error : curl_easy_strerror(t->result));
    }
    if (t->result == CURLE_ABORTED_BY_CALLBACK) {
        return TRANSFER_ABORTED;
    }
    if (refuses(t)) {
        return TRANSFER_REFUSED;
    }
    return t->stage == STAGE_GREETING ? TRANSFER_NO_SERVER : TRANSFER_LATER;
}
