#include "lmtp/session-private.h"

#include "base/arena.h"
#include "base/mem.h"
#include "lmtp/address.h"
#include "lmtp/limits.h"

#include <assert.h>

#define IN(state) (1u << LMTP_STATE_##state)
#define IN_ANY (IN(FRESH) | IN(READY) | IN(MAIL) | IN(RCPT))

void lmtp_reply_bad(struct lmtp_session *s, const char *text)
{
    lmtp_reply(s, text);
    if (++s->bad_commands > LMTP_MAX_BAD_COMMANDS) {
        lmtp_reply(s, "421 4.7.0 Too many bad commands, closing");
        lmtp_enter_state(s, LMTP_STATE_CLOSED);
    }
}

static void drop_transaction(struct lmtp_session *s)
{
    lmtp_tx_reset(s);
    if (s->state != LMTP_STATE_FRESH) {
        lmtp_enter_state(s, LMTP_STATE_READY);
    }
}

static void do_lhlo(struct lmtp_session *s, struct str rest)
{
    if (str_trim(rest).n == 0) {
        lmtp_reply_bad(s, "501 5.5.4 LHLO needs a domain");
        return;
    }
    lmtp_tx_reset(s);
    lmtp_enter_state(s, LMTP_STATE_READY);
    buf_printf(
        &s->out,
        "250-%.*s\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE %zu\r\n",
        STR_ARG(s->options.hostname), s->options.max_message_bytes);
}

/* RFC 2033 4.1: HELO and EHLO must be refused, so that no SMTP client mistakes the protocol. */
static void do_smtp_hello(struct lmtp_session *s, struct str rest)
{
    (void)rest;
    lmtp_reply_bad(s, "500 5.5.1 This is LMTP: say LHLO");
}

/* ---- MAIL ---- */

struct mail_params {
    uint64_t size;
    bool utf8;
};

static const char *param_size(struct mail_params *p, struct str value)
{
    return str_to_u64(value, &p->size) ? NULL : "501 5.5.4 SIZE is no number";
}

static const char *param_body(struct mail_params *p, struct str value)
{
    (void)p;
    return str_is_nocase(value, "7BIT") || str_is_nocase(value, "8BITMIME")
               ? NULL
               : "501 5.5.4 BODY is not known";
}

static const char *param_utf8(struct mail_params *p, struct str value)
{
    p->utf8 = value.n == 0;
    return p->utf8 ? NULL : "501 5.5.4 SMTPUTF8 takes no value";
}

static const struct {
    const char *name;
    const char *(*set)(struct mail_params *p, struct str value);
} mail_param_table[] = {
    {"SIZE", param_size},
    {"BODY", param_body},
    {"SMTPUTF8", param_utf8},
};

static const char *take_mail_param(struct mail_params *p, struct str word)
{
    struct str value = word;
    struct str name = str_split(&value, '=');

    for (size_t i = 0; i < ARRAY_LEN(mail_param_table); i++) {
        if (str_is_nocase(name, mail_param_table[i].name)) {
            return mail_param_table[i].set(p, value);
        }
    }
    return "555 5.5.4 Parameter is not known";
}

/* Words of a command line; NULL, or the reply that refuses one of them. */
static const char *take_mail_params(struct mail_params *p, struct str rest)
{
    while (rest.n > 0) {
        struct str word = str_split(&rest, ' ');
        const char *refusal = word.n > 0 ? take_mail_param(p, word) : NULL;

        if (refusal != NULL) {
            return refusal;
        }
    }
    return NULL;
}

static const char *path_refusal(enum lmtp_path_result result, const char *syntax)
{
    static const char non_ascii[] = "553 5.6.7 Address needs SMTPUTF8";

    return result == LMTP_PATH_OK ? NULL : result == LMTP_PATH_NON_ASCII ? non_ascii : syntax;
}

static void do_mail(struct lmtp_session *s, struct str rest)
{
    struct mail_params params = {0};
    struct str address, text = str_trim(rest);
    /* Whether UTF-8 is meant is known only from the parameters, which follow the path. */
    const char *refusal = path_refusal(lmtp_path_take(&text, true, s->tmp, &address),
                                       "501 5.1.7 Sender address is malformed");

    if (refusal == NULL) {
        refusal = text.n > 0 && text.p[0] != ' ' ? "501 5.5.4 Parameters are malformed"
                                                 : take_mail_params(&params, text);
    }
    if (refusal == NULL) {
        text = str_trim(rest);
        refusal = path_refusal(lmtp_path_take(&text, params.utf8, s->tmp, &address),
                               "501 5.1.7 Sender address is malformed");
    }
    if (refusal == NULL) {
        refusal = lmtp_refuse_size(s, params.size);
    }
    if (refusal != NULL) {
        lmtp_tx_reset(s);
        lmtp_reply(s, refusal);
        return;
    }
    s->utf8 = params.utf8;
    lmtp_enter_state(s, LMTP_STATE_MAIL);
    lmtp_reply(s, "250 2.1.0 Sender ok");
}

/* ---- RCPT ---- */

static void add_recipient(struct lmtp_session *s, const struct lmtp_recipient *recipient)
{
    if (s->slot_count == s->slot_cap) {
        s->slot_cap = s->slot_cap == 0 ? 4 : s->slot_cap * 2;
        s->slots = mem_realloc(s->slots, s->slot_cap * sizeof(s->slots[0]));
    }
    s->slots[s->slot_count++] =
        (struct lmtp_slot){.recipient = {
                               .mailbox = recipient->mailbox,
                               .address = str_dup(s->tx, recipient->address),
                               .display_name = str_dup(s->tx, recipient->display_name),
                           }};
    lmtp_enter_state(s, LMTP_STATE_RCPT);
}

static const char *find_recipient(struct lmtp_session *s, struct str address)
{
    struct lmtp_recipient recipient = {0};
    int found;

    if (s->slot_count >= s->options.max_recipients) {
        return "452 4.5.3 Too many recipients";
    }
    found = s->find(s->context, address, s->tmp, &recipient);
    if (found <= 0) {
        return found == 0 ? "550 5.1.1 No such user here"
                          : "451 4.3.0 Recipient cannot be looked up now";
    }
    add_recipient(s, &recipient);
    return "250 2.1.5 Recipient ok";
}

static void do_rcpt(struct lmtp_session *s, struct str rest)
{
    struct str address, text = str_trim(rest);
    const char *refusal = path_refusal(lmtp_path_take(&text, s->utf8, s->tmp, &address),
                                       "501 5.1.3 Recipient address is malformed");

    if (refusal == NULL && str_trim(text).n > 0) {
        refusal = "555 5.5.4 Parameter is not known";
    }
    if (refusal == NULL && address.n == 0) {
        refusal = "501 5.1.3 Recipient address is empty";
    }
    lmtp_reply(s, refusal != NULL ? refusal : find_recipient(s, address));
}

/* ---- the others ---- */

static void do_data(struct lmtp_session *s, struct str rest)
{
    (void)rest;
    s->data = LMTP_DATA_LINE_START;
    lmtp_enter_state(s, LMTP_STATE_DATA);
    lmtp_reply(s, "354 Go on, end with CRLF.CRLF");
}

static void do_rset(struct lmtp_session *s, struct str rest)
{
    (void)rest;
    drop_transaction(s);
    lmtp_reply(s, "250 2.0.0 Ok");
}

static void do_noop(struct lmtp_session *s, struct str rest)
{
    (void)rest;
    lmtp_reply(s, "250 2.0.0 Ok");
}

static void do_vrfy(struct lmtp_session *s, struct str rest)
{
    (void)rest;
    lmtp_reply(s, "252 2.5.2 Send some mail, it will be tried");
}

static void do_quit(struct lmtp_session *s, struct str rest)
{
    (void)rest;
    lmtp_tx_reset(s);
    lmtp_reply(s, "221 2.0.0 Bye");
    lmtp_enter_state(s, LMTP_STATE_CLOSED);
}

/* verb: what the line starts with, case-insensitively; what follows is a space (or nothing), but
 * for the verbs that end with a colon. */
static const struct command {
    struct str verb;
    unsigned states;       /* where it may come */
    bool takes_nothing;    /* an argument is a syntax error */
    const char *elsewhere; /* the reply in other states */
    void (*run)(struct lmtp_session *s, struct str rest);
} commands[] = {
    {STR_INIT("MAIL FROM:"), IN(READY), false, "503 5.5.1 MAIL comes once, after LHLO", do_mail},
    {STR_INIT("RCPT TO:"), IN(MAIL) | IN(RCPT), false, "503 5.5.1 RCPT comes after MAIL", do_rcpt},
    {STR_INIT("DATA"), IN(RCPT), true, "503 5.5.1 No valid recipients", do_data},
    {STR_INIT("LHLO"), IN_ANY, false, NULL, do_lhlo},
    {STR_INIT("RSET"), IN_ANY, true, NULL, do_rset},
    {STR_INIT("NOOP"), IN_ANY, false, NULL, do_noop},
    {STR_INIT("VRFY"), IN_ANY, false, NULL, do_vrfy},
    {STR_INIT("QUIT"), IN_ANY, true, NULL, do_quit},
    {STR_INIT("HELO"), IN_ANY, false, NULL, do_smtp_hello},
    {STR_INIT("EHLO"), IN_ANY, false, NULL, do_smtp_hello},
};

static const struct command *find_command(struct str line)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        struct str verb = commands[i].verb;

        if (str_starts_nocase(line, verb) &&
            (verb.p[verb.n - 1] == ':' || line.n == verb.n || line.p[verb.n] == ' ')) {
            return &commands[i];
        }
    }
    return NULL;
}

/* A NUL or a bare CR would be read differently by other programs: no command has one. */
static bool is_clean(struct str line)
{
    return memchr(line.p, '\0', line.n) == NULL && memchr(line.p, '\r', line.n) == NULL;
}

void lmtp_command(struct lmtp_session *s, struct str line)
{
    const struct command *command;
    struct str rest;

    assert((IN_ANY & (1u << s->state)) != 0);
    command = line.n > 0 && is_clean(line) ? find_command(line) : NULL;
    if (command == NULL) {
        lmtp_reply_bad(s, "500 5.5.2 Command is not known");
        return;
    }
    arena_reset(s->tmp);
    rest = str_sub(line, command->verb.n, SIZE_MAX);
    if ((command->states & (1u << s->state)) == 0) {
        lmtp_reply_bad(s, command->elsewhere);
    } else if (command->takes_nothing && str_trim(rest).n > 0) {
        lmtp_reply_bad(s, "501 5.5.4 No argument is taken");
    } else {
        command->run(s, rest);
    }
}
