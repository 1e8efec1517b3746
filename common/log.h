/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef LOG_H
#define LOG_H
/*
 * stderr, and the text that goes with an error number. Functions of the lower floors return a
 * negative errno and leave one sentence here that says what failed, on what, and what to do next;
 * whoever gives up prints it.
 */
#include <stdbool.h>

#define PRINTF(f, a) __attribute__((format(printf, f, a)))

extern bool log_verbose; /* -v */
extern const char *log_name; /* the tool's name, printed before each line; never NULL */

/*
 * Remembers the sentence (replacing an older one, at most 1023 bytes) and returns err, which must
 * be negative. errno is kept. An argument may be fail_text() itself, to put words before it.
 */
int fail(int err, const char *fmt, ...) PRINTF(2, 3);
/* strerror(-err), and of what the kernel says that has no text there; err is negative. */
const char *error_text(int err);
/* The last sentence, or error_text(err) where there is none. Valid until the next fail(). */
const char *fail_text(int err);
void fail_clear(void);

/*
 * One line on stderr: "tool: text", in one write. What text_escape() (json.h) escapes is escaped in
 * the formatted text; newlines at its end are dropped. At most 4 KiB. errno is kept.
 */
void log_error(const char *fmt, ...) PRINTF(1, 2);
void log_warn(const char *fmt, ...) PRINTF(1, 2); /* "tool: warning: text" */
void log_info(const char *fmt, ...) PRINTF(1, 2); /* always shown, no "warning:" */
void log_debug(const char *fmt, ...) PRINTF(1, 2); /* with -v only */
#endif
