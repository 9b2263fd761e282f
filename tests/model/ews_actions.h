/* What users do in a history of EWS requests: one function an operation, and what several of them share. The table of them is in ews_actions.c. */
#ifndef MODEL_EWS_ACTIONS_H
#define MODEL_EWS_ACTIONS_H

#include "ews_history.h"

/* ews_actions_create.c */
void act_create_item(struct eh *h);
void act_create_mime(struct eh *h);
void act_create_in_full_mailbox(struct eh *h);

/* ews_actions_mail.c */
void act_create_and_send(struct eh *h);
void act_respond(struct eh *h);
void act_remove_cancelled(struct eh *h);
void act_send_item(struct eh *h);
void act_update_and_send(struct eh *h);

/* ews_actions_items.c */
void act_update_item(struct eh *h);
void act_delete_item(struct eh *h);
void act_move_item(struct eh *h);
void act_copy_item(struct eh *h);
void act_mark_all_as_read(struct eh *h);
void act_mark_as_junk(struct eh *h);
void act_ask_for_what_is_gone(struct eh *h);

/* ews_actions_parts.c: attachments, streams, occurrences */
void act_create_attachment(struct eh *h);
void act_delete_attachment(struct eh *h);
void act_export_items(struct eh *h);
void act_upload_items(struct eh *h);
void act_update_occurrence(struct eh *h);
void act_delete_occurrence(struct eh *h);

/* ews_actions_folders.c */
void act_create_folder(struct eh *h);
void act_create_folder_path(struct eh *h);
void act_rename_folder(struct eh *h);
void act_share_folder(struct eh *h);
void act_move_folder(struct eh *h);
void act_copy_folder(struct eh *h);
void act_delete_folder(struct eh *h);
void act_empty_folder(struct eh *h);

/* ews_actions_create.c: what CreateItem shares with what sends */
#define EH_ALL_RECIPIENTS ((1u << (EM_USERS + 1)) - 1)
extern const char *const eh_dispositions[]; /* by enum disposition */
enum disposition { SAVE_ONLY, SEND_ONLY, SEND_AND_SAVE };
/* An item's element with texts of its own; *like_r is what the model has of it. */
const char *eh_item_xml(struct eh *h, enum em_class class, struct em_item *like_r);
/* Mostly users; now and then nobody, or somebody whom no mail reaches. */
unsigned eh_pick_recipients(struct eh *h);
const char *eh_recipients_xml(struct eh *h, unsigned to);
/* SavedItemFolderId; EM_GONE: the request names none. */
const char *eh_saved_xml(struct eh *h, int folder);
/* folder as the request has it; *to_r: where it would be saved. */
const char *eh_refusal_of_saving(const struct em *m, int user, int folder, enum em_class class,
                                 bool sends, int *to_r);

/* The first of two refusals, in the order in which they are found; NULL when there is none. */
static inline const char *first_refusal(const char *a, const char *b)
{
    return a != NULL ? a : b;
}

/* To have rights in a folder that is seen, or code. */
static inline const char *refusal_of_rights(const struct em *m, int user, int folder,
                                            uint32_t rights, const char *code)
{
    return em_may(m, user, folder, rights) ? NULL : code;
}

/* A folder that things go to; not_found is what the operation calls one that is not there. */
static inline const char *refusal_of_target(const struct em *m, int user, int folder,
                                            uint32_t rights, const char *not_found,
                                            const char *denied)
{
    if (m->folders[folder].gone || !em_may(m, user, folder, RIGHT_FOLDER_VISIBLE)) {
        return not_found;
    }
    return refusal_of_rights(m, user, folder, rights, denied);
}

static inline const char *refusal_of_change(const struct em *m, int user, int item, uint32_t own,
                                            uint32_t all)
{
    const char *refusal = eh_refusal_of_item(m, user, item);

    return refusal != NULL || em_may_change(m, user, item, own, all) ? refusal
                                                                     : "ErrorAccessDenied";
}

/* Says it, and true when there is none. */
static inline bool expect_success(struct eh *h, const char *refusal)
{
    eh_expect(h, refusal != NULL ? refusal : "NoError");
    return refusal == NULL;
}

#endif
