/* Lines of vCard and iCalendar objects: escaped, folded at 75 bytes between characters, ended by CRLF. Callers: vcard.c, event_write.c. */
#ifndef MIME_CONTENT_LINE_H
#define MIME_CONTENT_LINE_H

#include "base/buf.h"
#include "base/str.h"

/* Appends the line, folded; controls in it become spaces. */
void content_line_end(struct buf *out, struct buf *line);
/* Text with \ ; , and line ends escaped. */
void content_line_text(struct buf *line, struct str text);
/* ;NAME=value, quoted where needed, by RFC 6868; nothing for an empty value. */
void content_line_parameter(struct buf *line, const char *name, struct str value);

#endif
