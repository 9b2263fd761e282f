/*
 * ConvertId: an id of ours in another text form. EwsId and EntryId are the token as it is,
 * HexEntryId its bytes in hex. Clients also use it to learn the account's address: the answer names
 * the mailbox that the id lies in, whatever the request claims.
 */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "base/base64.h"
#include "ews/answer.h"
#include "ews/grammar.h"
#include "mailbox/store.h"
#include "mailbox/token.h"
#include "xml/xml_doc.h"
#include "xml/xml_write.h"

enum id_format { EWS_LEGACY_ID, EWS_ID, ENTRY_ID, HEX_ENTRY_ID, STORE_ID, OWA_ID };

static const char *const FORMATS[] = {"EwsLegacyId", "EwsId", "EntryId", "HexEntryId",
                                      "StoreId",     "OwaId", NULL};

/* Ids of public folders carry no mailbox; there are none here. */
static const char *const ELEMENTS[] = {"AlternateId", "AlternatePublicFolderId",
                                       "AlternatePublicFolderItemId"};

struct source {
    bool is_public;
    enum id_format format;
    struct str id;
};

struct args {
    enum id_format destination;
    struct source *sources;
    size_t n;
};

static int parse_format(const struct xml_node *node, const char *attr, enum id_format *format_r,
                        struct err *err_r)
{
    size_t index;

    TRY(grammar_attr_enum(node, attr, true, FORMATS, &index, err_r));
    *format_r = (enum id_format)index;
    return 0;
}

static int parse_source(const struct xml_node *node, struct source *source, struct err *err_r)
{
    bool is_archive;
    struct str mailbox;

    TRY(parse_format(node, "Format", &source->format, err_r));
    source->is_public =
        xml_is(node, XML_NS_TYPES, ELEMENTS[1]) || xml_is(node, XML_NS_TYPES, ELEMENTS[2]);
    if (source->is_public) {
        return 0;
    }
    if (!xml_is(node, XML_NS_TYPES, ELEMENTS[0])) {
        return grammar_fail(node, err_r, "The element 'SourceIds' has invalid child element.");
    }
    TRY(grammar_attr_str(node, "Id", true, &source->id, err_r));
    TRY(grammar_attr_str(node, "Mailbox", true, &mailbox, err_r));
    if (mailbox.n == 0) {
        return grammar_fail(node, err_r,
                            "The 'Mailbox' attribute is invalid - The MinLength "
                            "constraint failed.");
    }
    return grammar_attr_bool(node, "IsArchive", false, &is_archive, err_r);
}

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child CHILDREN[] = {{XML_NS_MESSAGES, "SourceIds", 1, 1}};
    const struct xml_node *sources;
    struct args *args = ARENA_NEW(call->arena, struct args);

    TRY(parse_format(request, "DestinationFormat", &args->destination, err_r));
    TRY(grammar_sequence(request, CHILDREN, ARRAY_LEN(CHILDREN), &sources, err_r));
    args->sources = ARENA_ARRAY(call->arena, struct source, sources->child_count);
    for (const struct xml_node *id = sources->first_child; id != NULL; id = id->next) {
        TRY(parse_source(id, &args->sources[args->n], err_r));
        args->n++;
    }
    if (args->n == 0) {
        return grammar_fail(sources, err_r, "The element 'SourceIds' has incomplete content.");
    }
    *args_r = args;
    return 0;
}

/* ---- converting ---- */

static bool is_served(enum id_format format)
{
    return format == EWS_ID || format == ENTRY_ID || format == HEX_ENTRY_ID;
}

static bool hex_to_bytes(struct str hex, struct buf *out)
{
    uint64_t byte;

    if (hex.n % 2 != 0) {
        return false;
    }
    for (size_t i = 0; i < hex.n; i += 2) {
        if (!str_to_hex_u64(str_sub(hex, i, 2), &byte)) {
            return false;
        }
        buf_add_char(out, (char)byte);
    }
    return true;
}

static void bytes_to_hex(struct str bytes, struct buf *out)
{
    static const char DIGITS[] = "0123456789ABCDEF";

    for (size_t i = 0; i < bytes.n; i++) {
        unsigned byte = (unsigned char)bytes.p[i];

        buf_add_char(out, DIGITS[byte >> 4]);
        buf_add_char(out, DIGITS[byte & 15]);
    }
}

/* The token's text of the source, appended to out. */
static int to_token(const struct source *source, struct buf *out, struct err *err_r)
{
    struct buf bytes = BUF_INIT;
    int rc = 0;

    if (source->format != HEX_ENTRY_ID) {
        buf_add_str(out, source->id);
        return 0;
    }
    /* A token is short; what is longer is none. */
    if (source->id.n > 2 * TOKEN_TEXT_MAX || !hex_to_bytes(source->id, &bytes)) {
        rc = err_set(err_r, ERR_ID_MALFORMED, "HexEntryId");
    } else {
        base64_encode(out, bytes.p, bytes.n);
    }
    buf_fini(&bytes);
    return rc;
}

/* address: of the mailbox that the id lies in. */
static void write_converted(struct ews_call *call, enum id_format format, struct str token,
                            struct str address)
{
    struct buf *out = &call->out;
    struct buf bytes = BUF_INIT;

    answer_message_success(call);
    BUF_LIT(out, "<m:AlternateId xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
                 "xsi:type=\"t:AlternateIdType\" Format=\"");
    buf_add_cstr(out, FORMATS[format]);
    BUF_LIT(out, "\" Id=\"");
    if (format == HEX_ENTRY_ID && base64_decode(&bytes, token)) {
        bytes_to_hex(buf_str(&bytes), out);
    } else {
        buf_add_str(out, token);
    }
    BUF_LIT(out, "\" Mailbox=\"");
    xml_add_attr_text(out, address);
    BUF_LIT(out, "\"/>");
    answer_message_end(call);
    buf_fini(&bytes);
}

/* An id is only spelled anew here: whether its object is there, and for whom, is seen when it is used. */
static int check_token(struct ews_call *call, struct str token, struct str *address_r,
                       struct err *err_r)
{
    struct mailbox_no mailbox;
    enum token_kind kind;
    struct user user;
    int found;

    TRY(token_kind_of(call->key, token, &kind, &mailbox, err_r));
    if (kind != TOKEN_ITEM && kind != TOKEN_FOLDER) {
        return err_set(err_r, ERR_ID_MALFORMED, "token is no id of an object");
    }
    if (mailbox.v == call->caller.mailbox.v) {
        *address_r = call->caller.address;
        return 0;
    }
    found = store_user_by_mailbox(call->service->store, mailbox, call->arena, &user, err_r);
    if (found == 0) {
        return err_set(err_r, ERR_ITEM_NOT_FOUND, "id of a mailbox that is gone");
    }
    TRY(found);
    *address_r = user.address;
    return 0;
}

static int convert(struct ews_call *call, const struct args *args, const struct source *source,
                   struct err *err_r)
{
    struct buf token = BUF_INIT;
    struct str address;
    int rc;

    if (source->is_public || !is_served(source->format) || !is_served(args->destination)) {
        return err_set(err_r, ERR_ID_FORMAT, "id format");
    }
    rc = to_token(source, &token, err_r);
    if (rc == 0) {
        rc = check_token(call, buf_str(&token), &address, err_r);
    }
    if (rc == 0) {
        write_converted(call, args->destination, buf_str(&token), address);
    }
    buf_fini(&token);
    return rc;
}

static int run(struct ews_call *call, struct mailbox_tx *tx, void *vargs, struct err *err_r)
{
    const struct args *args = vargs;

    (void)tx;
    answer_begin(call);
    for (size_t i = 0; i < args->n; i++) {
        if (convert(call, args, &args->sources[i], err_r) < 0) {
            answer_message_error(call, err_r, STR_NULL);
            answer_message_end(call);
        }
    }
    answer_end(call);
    return 0;
}

const struct ews_operation op_convert_id = {
    .name = STR_INIT("ConvertId"),
    .since = EWS_EXCHANGE2007_SP1,
    .run_mode = EWS_ANSWERED,
    .parse = parse,
    .run = run,
};
