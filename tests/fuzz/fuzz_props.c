/* Property records from the store: a damaged one is told or read in part, and no value reaches outside of the record. */
#include "mailbox/props.h"

#include <stdlib.h>

static void check_inside(struct str value, struct str record)
{
    if (value.n != 0 && (value.p < record.p || value.p + value.n > record.p + record.n)) {
        abort();
    }
}

static void read_value(const struct props *props, enum item_prop prop, struct str record)
{
    struct str rest = props->v[prop], text;
    struct prop_addr addr;

    check_inside(rest, record);
    (void)props_int(props, prop, 0);
    while (props_next_addr(&rest, &addr)) {
        check_inside(addr.name, record);
        check_inside(addr.address, record);
    }
    rest = props->v[prop];
    while (props_next_text(&rest, &text)) {
        check_inside(text, record);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str record = str_of(data, size);
    struct props props;
    int prop;
    bool whole = props_open(&props, record);

    (void)whole;
    for (prop = 0; prop < IPROP_LIMIT; prop++) {
        if (props.v[prop].p != NULL) {
            read_value(&props, (enum item_prop)prop, record);
        }
    }
    return 0;
}
