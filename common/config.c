// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "config.h"
#include "log.h"
#include "optshow.h"
#include "optval.h"

#define LINE_SIZE 4096 /* bytes of a line without its end: a PATH_MAX, roughly */
#define FILE_SIZE (1 << 20) /* more is not a config file */
#define PAGE	  78 /* columns of what config_print() writes */

struct reader {
	struct opt_table *t;
	enum opt_source from;
	const char *file;
	size_t line;
	bool apply;
	config_error_fn *on_error;
	void *ctx;
	int mistakes;
};

static void PRINTF(2, 3) mistake(struct reader *r, const char *fmt, ...)
{
	char text[1024], msg[sizeof(text) + 512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (r->line)
		snprintf(msg, sizeof(msg), "%.400s:%zu: %s", r->file, r->line, text);
	else
		snprintf(msg, sizeof(msg), "%.400s: %s", r->file, text);
	r->on_error(msg, r->ctx);
	r->mistakes++;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Unquotes s (after its first quote) in place. Returns what follows the closing quote, or NULL. */
static char *unquote(char *s)
{
	char *d = s;

	for (; *s && *s != '"'; s++) {
		if (*s != '\\') {
			*d++ = *s;
		} else if (s[1] == '"' || s[1] == '\\') {
			*d++ = *++s;
		} else if (s[1] == 'x' && hex(s[2]) >= 0 && hex(s[3]) >= 0 &&
			   hex(s[2]) + hex(s[3])) {
			*d++ = (char)(hex(s[2]) << 4 | hex(s[3]));
			s += 3;
		} else {
			return NULL;
		}
	}
	if (!*s)
		return NULL;
	*d = 0;
	return s + 1;
}

/* Cuts s, which begins at the value, down to the value. NULL when its quotes are wrong. */
static char *take_value(char *s)
{
	char *end;

	if (*s == '"') {
		end = unquote(s + 1);
		if (!end || (*end && !blank(*end)))
			return NULL;
		end += strspn(end, " \t");
		return *end && *end != '#' ? NULL : s + 1;
	}
	for (end = s; *end; end++)
		if (*end == '#' && blank(end[-1]))
			break;
	while (end > s && blank(end[-1]))
		end--;
	*end = 0;
	return s;
}

static void read_pair(struct reader *r, const char *key, char *s)
{
	struct opt_row *row = opttable_find(r->t, key);
	char near[256];
	char *value;
	bool list;

	if (!row) {
		mistake(r, "%.80s: unknown key%s", key,
			opttable_nearest(r->t, key, false, near, sizeof(near)));
		return;
	}
	if (!opttable_settable(row)) {
		mistake(r, "%s: belongs on the command line, not in a config file", key);
		return;
	}
	list = optval_is_list(row->o.kind);
	if (row->line && !list) {
		mistake(r, "%s: given twice, first on line %zu", key, row->line);
		return;
	}
	row->line = r->line;
	value = take_value(s);
	if (!value)
		mistake(r,
			"%s: bad quotes: only \\\", \\\\ and \\xHH may be within them, and only "
			"a comment may follow",
			key);
	else if (opttable_set(row, r->from, value, r->apply))
		mistake(r, "%s: %s", key, fail_text(-EINVAL));
}

static void read_line(struct reader *r, const char *text, size_t len)
{
	char line[LINE_SIZE + 2];
	char *key = line + 1, *eq;

	if (len && text[len - 1] == '\r')
		len--;
	if (len > LINE_SIZE) {
		mistake(r, "line longer than %d bytes", LINE_SIZE);
		return;
	}
	/* A blank before the line spares every look back at its first byte a test. */
	line[0] = ' ';
	memcpy(key, text, len);
	key[len] = 0;
	if (strlen(key) != len) {
		mistake(r, "NUL byte in the line");
		return;
	}
	key += strspn(key, " \t");
	if (!*key || *key == '#')
		return;
	eq = strchr(key, '=');
	if (!eq || eq == key) {
		mistake(r, "'%.40s': not of the form key = value", key);
		return;
	}
	*eq = 0;
	for (char *end = eq; end > key && blank(end[-1]);)
		*--end = 0;
	read_pair(r, key, eq + 1 + strspn(eq + 1, " \t"));
}

int config_text(struct opt_table *t, enum opt_source from, const char *file, const char *text,
		size_t len, bool apply, config_error_fn *on_error, void *ctx)
{
	struct reader r = {.t = t,
			   .from = from,
			   .file = file,
			   .apply = apply,
			   .on_error = on_error,
			   .ctx = ctx};

	for (size_t i = 0; i < t->n; i++)
		t->rows[i].line = 0;
	while (len) {
		const char *nl = memchr(text, '\n', len);
		size_t n = nl ? (size_t)(nl - text) : len;

		r.line++;
		read_line(&r, text, n);
		n += nl != NULL;
		text += n;
		len -= n;
	}
	return r.mistakes;
}

int opts_config(const struct opt_tool *tool, const char *file, const char *text, size_t len,
		bool apply, config_error_fn *on_error, void *ctx)
{
	struct opt_table t;
	int ret = opttable_init(&t, tool);

	if (ret)
		return ret;
	ret = config_text(&t, OPT_FROM_FILE, file, text, len, apply, on_error, ctx);
	opttable_free(&t);
	return ret;
}

/* Reads all of fd into buf, of FILE_SIZE + 1 bytes. */
static ssize_t read_all(int fd, char *buf)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, buf + len, FILE_SIZE + 1 - len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : (ssize_t)len;
}

int config_file(struct opt_table *t, enum opt_source from, const char *file, bool may_miss,
		bool apply, config_error_fn *on_error, void *ctx)
{
	struct reader r = {.file = file, .on_error = on_error, .ctx = ctx};
	char *buf = malloc(FILE_SIZE + 1);
	ssize_t len = -ENOMEM;
	int fd = -1;

	if (!buf)
		goto out;
	fd = open(file, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -errno : read_all(fd, buf);
	if (len > FILE_SIZE)
		len = -EFBIG;
	if (len >= 0)
		r.mistakes = config_text(t, from, file, buf, (size_t)len, apply, on_error, ctx);
out:
	if (len < 0 && !(len == -ENOENT && may_miss))
		mistake(&r, "cannot read the config file: %s", strerror((int)-len));
	if (fd >= 0)
		close(fd);
	free(buf);
	return r.mistakes;
}

/* "# text", wrapped at blanks. */
static void print_comment(const char *text, FILE *f)
{
	while (*text) {
		size_t n = strlen(text);

		if (n > PAGE - 2) {
			n = PAGE - 2;
			while (n && text[n] != ' ')
				n--;
			n = n ?: PAGE - 2;
		}
		fprintf(f, "# %.*s\n", (int)n, text);
		text += n;
		text += *text == ' ';
	}
}

static void print_row(const struct opt_row *r, FILE *f)
{
	size_t n = optval_count(&r->o);
	const char *mark = r->from ? "" : "#";
	char text[1024], wanted[512];

	snprintf(text, sizeof(text), "%s (%s: %s)", r->o.help, r->o.arg ?: "BOOL",
		 optval_wanted(&r->o, wanted, sizeof(wanted)));
	putc('\n', f);
	print_comment(text, f);
	for (size_t i = 0; i < n; i++) {
		fprintf(f, "%s%s = ", mark, r->o.name);
		optval_print(&r->o, i, f);
		putc('\n', f);
	}
	if (!n)
		fprintf(f, "#%s =\n", r->o.name);
}

void config_print(const struct opt_table *t, FILE *f)
{
	fprintf(f, "# Options of %s, one \"key = value\" in a line.\n", t->tool->name);
	print_comment(
		"A line that begins with # is a comment: those with a key show its default, and "
		"nothing "
		"after the = means that it is not set. Quote values with blanks, # or \\ in them. "
		"The key of a list may be repeated. The command line goes before the environment, "
		"and that before this file.",
		f);
	for (size_t i = 0; i < t->n; i++)
		if (opttable_settable(&t->rows[i]))
			print_row(&t->rows[i], f);
}
