#include "ews/header.h"

#include "base/clock.h"
#include "ews/grammar.h"
#include "mailbox/store.h"
#include "xml/xml_doc.h"

#include <ctype.h>

/* ---- RequestServerVersion ---- */

struct version_name {
    struct str name;
    enum ews_version
        version; /* between two releases: the older one, whose elements the client surely knows */
};

static const struct version_name VERSION_NAMES[] = {
    {STR_INIT("Exchange2007"), EWS_EXCHANGE2007},
    {STR_INIT("Exchange2007_SP1"), EWS_EXCHANGE2007_SP1},
    {STR_INIT("Exchange2009"), EWS_EXCHANGE2007_SP1},
    {STR_INIT("Exchange2010"), EWS_EXCHANGE2010},
    {STR_INIT("Exchange2010_SP1"), EWS_EXCHANGE2010_SP1},
    {STR_INIT("Exchange2010_SP2"), EWS_EXCHANGE2010_SP2},
    {STR_INIT("Exchange2012"), EWS_EXCHANGE2010_SP2},
    {STR_INIT("Exchange2013"), EWS_EXCHANGE2013},
    {STR_INIT("Exchange2013_SP1"), EWS_EXCHANGE2013_SP1},
    {STR_INIT("Exchange2015"), EWS_EXCHANGE2015},
    {STR_INIT("Exchange2015_SP1"), EWS_EXCHANGE2015},
    {STR_INIT("Exchange2016"), EWS_EXCHANGE2016},
    {STR_INIT("Exchange2019"), EWS_V2017},
};

/* The shape of a name, with 9 for any digit: "V2017_07_11". */
static bool name_has_shape(struct str name, const char *shape)
{
    for (size_t i = 0; i < name.n; i++) {
        if (shape[i] == '9' ? !isdigit((unsigned char)name.p[i]) : shape[i] != name.p[i]) {
            return false;
        }
    }
    return shape[name.n] == '\0';
}

/* "V2_" and digits: what online servers call their own. */
static bool is_online_name(struct str name)
{
    uint64_t number;

    return str_starts(name, STR("V2_")) && str_to_u64(str_sub(name, 3, name.n), &number);
}

bool ews_version_parse(struct str name, enum ews_version *version_r)
{
    for (size_t i = 0; i < ARRAY_LEN(VERSION_NAMES); i++) {
        if (str_eq(name, VERSION_NAMES[i].name)) {
            *version_r = VERSION_NAMES[i].version;
            return true;
        }
    }
    if (name_has_shape(name, "V2099_99_99")) {
        *version_r = str_cmp(name, STR("V2017")) < 0 ? EWS_EXCHANGE2016 : EWS_V2017;
        return true;
    }
    if (is_online_name(name)) {
        *version_r = EWS_EXCHANGE2013;
        return true;
    }
    return false;
}

static int read_version(struct ews_call *call, const struct xml_node *node, struct err *err_r)
{
    struct str name;

    TRY(grammar_attr_str(node, "Version", true, &name, err_r));
    if (!ews_version_parse(name, &call->version)) {
        return err_set(err_r, ERR_SERVER_VERSION, "RequestServerVersion is no version");
    }
    return 0;
}

/* ---- TimeZoneContext ---- */

static int read_time_zone(struct ews_call *call, const struct xml_node *node, struct err *err_r)
{
    static const struct grammar_child CHILDREN[] = {{XML_NS_TYPES, "TimeZoneDefinition", 1, 1}};
    const struct xml_node *definition;

    TRY(grammar_sequence(node, CHILDREN, ARRAY_LEN(CHILDREN), &definition, err_r));
    return zone_context_parse(definition, clock_unix_ms(call->service->clock), call->arena,
                              &call->zone, err_r);
}

/* ---- the others ---- */

static int read_precision(struct ews_call *call, const struct xml_node *node, struct err *err_r)
{
    static const char *const PRECISIONS[] = {"Seconds", "Milliseconds", NULL};
    size_t which;

    TRY(grammar_enum(node, PRECISIONS, &which, err_r));
    call->milliseconds = which == 1;
    return 0;
}

/* Nobody may impersonate yet; but who tries is told what is wrong in the same order as where it
 * is allowed. */
static int read_impersonation(struct ews_call *call, const struct xml_node *node, struct err *err_r)
{
    static const struct grammar_child CHILDREN[] = {{XML_NS_TYPES, "ConnectingSID", 1, 1}};
    static const char *const WAYS[] = {"PrincipalName", "SID", "PrimarySmtpAddress", "SmtpAddress"};
    const struct xml_node *who;
    struct user user;
    struct str value;
    size_t way;
    int found;

    TRY(grammar_sequence(node, CHILDREN, ARRAY_LEN(CHILDREN), &who, err_r));
    TRY(grammar_choice(who, XML_NS_TYPES, WAYS, ARRAY_LEN(WAYS), &way, err_r));
    value = str_trim(who->first_child->text);
    if (value.n == 0) {
        return err_set(err_r, ERR_IMPERSONATION_HEADER, "%s is empty", WAYS[way]);
    }
    found = store_user_find(call->service->store, value, call->arena, &user, err_r);
    if (found < 0) {
        return found;
    }
    return err_set(err_r, found == 0 ? ERR_NO_SUCH_MAILBOX : ERR_IMPERSONATION_DENIED,
                   "impersonation by %s", WAYS[way]);
}

static int refuse(struct ews_call *call, const struct xml_node *node, struct err *err_r)
{
    (void)call;
    return err_set(err_r, ERR_ACCESS_DENIED, "header %.*s", STR_ARG(node->name));
}

static int accept_unused(struct ews_call *call, const struct xml_node *node, struct err *err_r)
{
    (void)call;
    (void)node;
    (void)err_r;
    return 0;
}

struct header_row {
    struct str name;
    int (*read)(struct ews_call *call, const struct xml_node *node, struct err *err_r);
};

static const struct header_row HEADERS[] = {
    {STR_INIT("RequestServerVersion"), read_version},
    {STR_INIT("TimeZoneContext"), read_time_zone},
    {STR_INIT("DateTimePrecision"), read_precision},
    {STR_INIT("MailboxCulture"), accept_unused},
    {STR_INIT("ExchangeImpersonation"), read_impersonation},
    {STR_INIT("ManagementRole"), refuse},
    {STR_INIT("SerializedSecurityContext"), refuse},
    {STR_INIT("OpenAsAdminOrSystemService"), refuse},
};

static bool must_understand(const struct xml_node *node)
{
    for (uint32_t i = 0; i < node->attr_count; i++) {
        if (node->attrs[i].ns == XML_NS_SOAP && str_is(node->attrs[i].name, "mustUnderstand")) {
            return str_is(str_trim(node->attrs[i].value), "1") ||
                   str_is(str_trim(node->attrs[i].value), "true");
        }
    }
    return false;
}

static int read_one(struct ews_call *call, const struct xml_node *node, struct err *err_r)
{
    for (size_t i = 0; node->ns == XML_NS_TYPES && i < ARRAY_LEN(HEADERS); i++) {
        if (str_eq(node->name, HEADERS[i].name)) {
            return HEADERS[i].read(call, node, err_r);
        }
    }
    if (must_understand(node)) {
        return err_set(err_r, ERR_MUST_UNDERSTAND, "header of the request");
    }
    return 0;
}

int header_read(struct ews_call *call, const struct xml_node *header, struct err *err_r)
{
    for (const struct xml_node *node = header != NULL ? header->first_child : NULL; node != NULL;
         node = node->next) {
        TRY(read_one(call, node, err_r));
    }
    return 0;
}
