/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef ESCAPE_H
#define ESCAPE_H
/*
 * Bytes of which nobody knows what is in them, made fit to be shown.
 */
#include <stddef.h>

/*
 * Copies s (n bytes) into dst (size dsize, always NUL-terminated) so that it may go to a terminal:
 * control bytes, DEL, C1 controls, line separators, bidirectional marks and overrides, and invalid
 * UTF-8 become \xHH, byte by byte; a backslash becomes \\. Returns the bytes written without the
 * NUL; what does not fit is cut at a whole character. 4 * n + 1 bytes always fit.
 */
size_t text_escape(char *dst, size_t dsize, const void *s, size_t n);

#define JSON_ESCAPE_MAX 6 /* bytes that one may become: \u0000 */
/*
 * For json.c: writes what stands between the quotes of a JSON string to d, JSON_ESCAPE_MAX bytes
 * for each of [*at, stop): the characters that begin there. The last may go on behind stop, but not
 * beyond end. Moves *at behind them and returns where the next one goes in d. No NUL.
 */
char *json_escape(char *d, const unsigned char **at, const unsigned char *stop,
		  const unsigned char *end);
#endif
