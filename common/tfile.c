// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The list of functions that a search fills: growing it, and what is said about its members. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "resolve.h"

struct tfunc *tfile_add(struct tfile *t, const char *name)
{
	struct tfunc *f;

	/* Grown at each power of two, so that the structure needs no capacity. */
	if (!(t->nfuncs & (t->nfuncs - 1))) {
		f = reallocarray(t->funcs, t->nfuncs ? 2 * t->nfuncs : 1, sizeof(*f));
		if (!f)
			return NULL;
		t->funcs = f;
	}
	f = &t->funcs[t->nfuncs];
	*f = (struct tfunc){.name = strdup(name), .args = -1};
	if (!f->name)
		return NULL;
	t->nfuncs++;
	return f;
}

int tfunc_note(struct tfunc *f, const char *fmt, ...)
{
	char *text, *both;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return fail(-ENOMEM, "out of memory");
	if (!f->note) {
		f->note = text;
		return 0;
	}
	n = asprintf(&both, "%s; %s", f->note, text);
	free(text);
	if (n < 0)
		return fail(-ENOMEM, "out of memory");
	free(f->note);
	f->note = both;
	return 0;
}

int tfunc_refuse(struct tfunc *f, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (f->refused)
		return 0;
	va_start(ap, fmt);
	n = vasprintf(&f->refused, fmt, ap);
	va_end(ap);
	if (n >= 0)
		return 0;
	f->refused = NULL;
	return fail(-ENOMEM, "out of memory");
}

void target_free(struct tfile *t)
{
	size_t i;

	if (!t)
		return;
	for (i = 0; i < t->nfuncs; i++) {
		free(t->funcs[i].name);
		free(t->funcs[i].exit_off);
		free(t->funcs[i].refused);
		free(t->funcs[i].note);
	}
	free(t->funcs);
	free(t->path);
	free(t->name);
	free(t);
}

static int by_func_name(const void *a, const void *b)
{
	return strcmp((*(struct tfunc *const *)a)->name, (*(struct tfunc *const *)b)->name);
}

/*
 * Static functions of several C files, or the instances of a generic before Go 1.21; the address
 * tells them apart.
 */
int tfile_note_namesakes(struct tfile *t)
{
	struct tfunc **order;
	size_t i, from, n;
	int err = 0;

	if (t->nfuncs < 2)
		return 0;
	order = reallocarray(NULL, t->nfuncs, sizeof(*order));
	if (!order)
		return fail(-ENOMEM, "out of memory");
	for (i = 0; i < t->nfuncs; i++)
		order[i] = &t->funcs[i];
	qsort(order, t->nfuncs, sizeof(*order), by_func_name);
	for (from = 0; !err && from < t->nfuncs; from += n) {
		for (n = 1; from + n < t->nfuncs; n++)
			if (strcmp(order[from]->name, order[from + n]->name))
				break;
		for (i = from; !err && n > 1 && i < from + n; i++)
			err = tfunc_note(order[i],
					 "one of %zu functions of this name, at 0x%" PRIx64, n,
					 order[i]->addr);
	}
	free(order);
	return err;
}

int tfile_all_refused(const struct tfile *t)
{
	char text[768] = "";
	size_t i, len = 0;

	for (i = 0; i < t->nfuncs; i++)
		if (!t->funcs[i].refused)
			return 0;
	for (i = 0; i < t->nfuncs && i < 3 && len < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s: %s", i ? "; " : "",
					t->funcs[i].name, t->funcs[i].refused);
	if (t->nfuncs == 1)
		return fail(-ENOTSUP, "%s: cannot time %s", t->name, text);
	return fail(-ENOTSUP, "%s: none of the %zu functions that match can be timed: %s%s",
		    t->name, t->nfuncs, text, t->nfuncs > 3 ? "; ..." : "");
}
