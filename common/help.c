// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "help.h"
#include "optshow.h"

#define TEXT_COL 28 /* where the help texts begin */
#define PAGE	 79

/* Words of text from column col on, wrapped at blanks to TEXT_COL. */
static void print_wrapped(const char *text, size_t col, FILE *f)
{
	bool first = true;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (!first && col + 1 + n > PAGE) {
			fprintf(f, "\n%*s", TEXT_COL, "");
			col = TEXT_COL;
		} else if (!first) {
			putc(' ', f);
			col++;
		}
		fprintf(f, "%.*s", (int)n, text);
		col += n;
		text += n;
		text += strspn(text, " ");
		first = false;
	}
	putc('\n', f);
}

static bool is_number(enum opt_kind kind)
{
	return kind == OPT_UINT || kind == OPT_SEC || kind == OPT_MSEC || kind == OPT_PERCENT;
}

/* A default of 0 or false is what everybody expects. */
static bool has_default(const struct opt *o)
{
	switch (o->kind) {
	case OPT_FLAG: return *(bool *)o->dst;
	case OPT_UINT:
	case OPT_SEC:
	case OPT_MSEC: return *(uint64_t *)o->dst;
	default: return optval_count(o) > 0;
	}
}

/* What may be given and what happens otherwise, where the help text alone cannot say it. */
static void print_limits(const struct opt_row *r, FILE *f)
{
	bool limits = r->o.min || r->o.max || r->o.kind == OPT_PERCENT;
	char wanted[512];

	if (r->also)
		fprintf(f, "; also -%c", r->also);
	if ((is_number(r->o.kind) && limits) || r->o.kind == OPT_ENUM)
		fprintf(f, "; %s", optval_wanted(&r->o, wanted, sizeof(wanted)));
	if (!has_default(&r->o))
		return;
	fputs("; default ", f);
	for (size_t i = 0; i < optval_count(&r->o); i++) {
		fputs(i ? ", " : "", f);
		optval_print(&r->o, i, f);
	}
}

static void print_row(const struct opt_row *r, FILE *f)
{
	char left[128], letter[8] = "", *text = NULL;
	size_t size;
	FILE *mem;

	if (r->o.kind == OPT_GROUP) {
		fprintf(f, "\n%s:\n", r->o.help);
		return;
	}
	if (r->o.key)
		snprintf(letter, sizeof(letter), "-%c, ", r->o.key);
	snprintf(left, sizeof(left), "  %4s--%s%s%s", letter, r->o.name, r->o.arg ? "=" : "",
		 r->o.arg ?: "");
	mem = open_memstream(&text, &size);
	if (!mem)
		return;
	fputs(r->o.help, mem);
	print_limits(r, mem);
	if (!fclose(mem)) {
		/* Two blanks at least; a longer left side has its text on the next line. */
		if (strlen(left) + 2 > TEXT_COL)
			fprintf(f, "%s\n%*s", left, TEXT_COL, "");
		else
			fprintf(f, "%-*s", TEXT_COL, left);
		print_wrapped(text, TEXT_COL, f);
	}
	free(text);
}

void help_print(const struct opt_table *t, FILE *f)
{
	const char *args = t->tool->args ?: "";

	for (const char *lead = "Usage:"; lead; lead = *args ? "  or: " : NULL) {
		size_t n = strcspn(args, "\n");

		fprintf(f, "%s %s [OPTION...]%s%.*s\n", lead, t->tool->name, n ? " " : "", (int)n,
			args);
		args += n + (args[n] == '\n');
	}
	fprintf(f, "%s\n", t->tool->summary);
	for (size_t i = 0; i < t->n; i++) {
		if (!i && t->rows[i].o.kind != OPT_GROUP)
			fputs("\nOptions:\n", f);
		print_row(&t->rows[i], f);
	}
	if (t->tool->examples)
		fprintf(f, "\nExamples:\n%s%s", t->tool->examples,
			t->tool->examples[strlen(t->tool->examples) - 1] == '\n' ? "" : "\n");
}
