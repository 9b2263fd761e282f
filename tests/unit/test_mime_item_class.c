/* Item classes: plain mail, reports, signed and encrypted mail, meetings. */
#include "support/mime_fixture.h"

#define REPORT(type, part)                                                                         \
    "Content-Type: multipart/report; report-type=" type "; boundary=x\n\n--x\n\nhello\n" part      \
    "--x--\n"
#define STATUS(action)                                                                             \
    REPORT("delivery-status", "--x\nContent-Type: message/delivery-status\n\n"                     \
                              "Reporting-MTA: dns; a\n\nFinal-Recipient: rfc822; b\n"              \
                              "Action: " action "\n\n")
#define NOTIFICATION(word)                                                                         \
    REPORT("disposition-notification",                                                             \
           "--x\nContent-Type: message/disposition-notification\n\n"                               \
           "Disposition: manual-action/MDN-sent-manually; " word "\n\n")
#define CALENDAR(type, lines)                                                                      \
    "Content-Type: text/calendar" type "\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\n" lines                 \
    "END:VEVENT\nEND:VCALENDAR\n"

static const struct {
    const char *message, *class;
} cases[] = {
    {"", "IPM.Note"},
    {"Subject: x\n\nhello\n", "IPM.Note"},
    {STATUS("failed"), "REPORT.IPM.Note.NDR"},
    {STATUS("Failed (bad mailbox)"), "REPORT.IPM.Note.NDR"},
    {STATUS("delayed"), "REPORT.IPM.Note.Delayed"},
    {STATUS("delivered"), "REPORT.IPM.Note.DR"},
    {STATUS("relayed"), "REPORT.IPM.Note.DR"},
    {NOTIFICATION("displayed"), "REPORT.IPM.Note.IPNRN"},
    {NOTIFICATION("deleted"), "REPORT.IPM.Note.IPNNRN"},
    {REPORT("feedback-report", ""), "IPM.Note"},
    {"Content-Type: multipart/signed; boundary=x\n\n--x\n\nx\n--x\n\ny\n--x--\n",
     "IPM.Note.SMIME.MultipartSigned"},
    {"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nx", "IPM.Note.SMIME"},
    {"Content-Type: application/x-pkcs7-mime\n\nx", "IPM.Note.SMIME"},
    {"Content-Type: application/pkcs7-mime; smime-type=certs-only\n\nx", "IPM.Note"},
    {CALENDAR("; method=REQUEST", ""), "IPM.Schedule.Meeting.Request"},
    {CALENDAR("; method=\"request\"", ""), "IPM.Schedule.Meeting.Request"},
    {CALENDAR("; method=CANCEL", ""), "IPM.Schedule.Meeting.Canceled"},
    {CALENDAR("; method=COUNTER", ""), "IPM.Schedule.Meeting.Resp.Tent"},
    {CALENDAR("; method=REPLY", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@x\n"),
     "IPM.Schedule.Meeting.Resp.Pos"},
    {CALENDAR("; method=REPLY", "ATTENDEE;PARTSTAT=DECLINED:mailto:a@x\n"),
     "IPM.Schedule.Meeting.Resp.Neg"},
    {CALENDAR("; method=REPLY", "ATTENDEE;PARTSTAT=TENTATIVE:mailto:a@x\n"),
     "IPM.Schedule.Meeting.Resp.Tent"},
    {CALENDAR("; method=REPLY", "ATTENDEE:mailto:a@x\n"), "IPM.Note"},
    {CALENDAR("; method=REPLY", ""), "IPM.Note"},
    {CALENDAR("; method=PUBLISH", ""), "IPM.Note"},
    {CALENDAR("", ""), "IPM.Note"},
    {"Content-Type: text/calendar; method=REQUEST\n\nnot a calendar\n", "IPM.Note"},
    {CALENDAR("\nContent-Disposition: attachment; filename=a.ics", "METHOD:REQUEST\n"), "IPM.Note"},
    {CALENDAR("; method=REQUEST\nContent-Disposition: attachment; filename=a.ics", ""),
     "IPM.Schedule.Meeting.Request"},
};

static void the_class_says_what_a_message_is(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str class = mime_message_item_class(given(state, cases[i].message));

        if (!str_is(class, cases[i].class)) {
            fail_msg("%.*s, not %s:\n%s", STR_ARG(class), cases[i].class, cases[i].message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MIME_TEST(the_class_says_what_a_message_is),
    };

    return cmocka_run_group_tests(tests, mime_group_setup, NULL);
}
