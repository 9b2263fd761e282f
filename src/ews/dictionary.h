/*
 * The dictionaries of contacts: EmailAddresses, PhysicalAddresses, PhoneNumbers and ImAddresses.
 * Each entry is a property of the record; an IndexedFieldURI names one entry, or a part of one.
 * Callers: the property table, paths, shapes.
 */
#ifndef EWS_DICTIONARY_H
#define EWS_DICTIONARY_H

#include "base/str.h"
#include "mailbox/props.h"

#include <stdbool.h>
#include <stddef.h>

struct value;

/* The whole entry, rather than one of its texts. */
#define DICTIONARY_WHOLE_ENTRY 255

struct dictionary_place {
    enum item_prop prop; /* of the entry; 0: nowhere */
    unsigned char part;  /* which of its texts, or DICTIONARY_WHOLE_ENTRY */
};

/* MailboxTypeType, NULL-terminated. */
extern const char *const mailbox_type_names[];

/* uri is that of an IndexedFieldURI. False for another, and for a key that the dictionary does not
 * have. */
bool dictionary_find(struct str uri, struct str key, struct dictionary_place *place_r);
/* The numbers of the dictionary whose first entry that is: up to, without, the end. */
bool dictionary_range(enum item_prop prop, enum item_prop *first_r, enum item_prop *end_r);
void dictionary_value(const struct props *props, struct dictionary_place place,
                      struct value *value_r);

#endif
