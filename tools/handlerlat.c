// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * handlerlat: how long do this handler's calls take?
 */
#include "handlerlat_parts.h"
#include "log.h"
#include "row.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct settings set = {.max_running = 32768, .max_routes = 256, .ring_kib = 1024};

static const char *const exits_names[] = {"auto", "return", "ret", NULL};

static const struct opt rows[] = {
	{"slower", 's', "MS", OPT_MSEC, &set.slower_ns, 0.001, 1e9,
	 "show only calls that took at least MS milliseconds", NULL, 0},
	{"histogram", 'H', NULL, OPT_FLAG, &set.hist, 0, 0,
	 "count in the kernel and draw a histogram for each function and route", NULL, 0},
	{"list", 'l', NULL, OPT_FLAG, &set.list, 0, 0,
	 "print the functions that match and where they would be probed; attach nothing", NULL,
	 OPT_F_CMDLINE},
	{"exits", 0, "HOW", OPT_ENUM, &set.exits, 0, 0,
	 "see C and C++ functions return by the kernel's return probe or by probes on their RET "
	 "instructions; auto takes RETs where exceptions may pass",
	 exits_names, 0},
	{"max-overhead", 0, "PCT", OPT_PERCENT, &set.max_overhead, 0, 10000,
	 "trace only part of the time when the probes cost more than PCT percent of one CPU", NULL,
	 0},
	{"max-running", 0, "N", OPT_UINT, &set.max_running, 64, 1 << 24,
	 "room for calls that are going on at one time", NULL, 0},
	{"max-routes", 0, "N", OPT_UINT, &set.max_routes, 1, 65536,
	 "room for pairs of method and route with -i and -H", NULL, 0},
	{"ring-size", 0, "KIB", OPT_UINT, &set.ring_kib, 64, 1 << 20,
	 "size of the ring buffer between kernel and tool, rounded up to a power of two", NULL, 0},
	{"pid", 'p', "PID[,PID]", OPT_PIDS, &std.pids, 0, 0, "the same as -P", NULL, OPT_F_ALIAS},
	{.kind = OPT_END},
};

static const char *const backends[] = {"auto", "uprobe_multi", "perf", "perf-clone", NULL};

static const struct opt_tool tool = {
	.name = "handlerlat",
	.args = "[TARGET] [FUNCTION...]\n[FUNCTION...] -- COMMAND [ARG...]",
	.summary = "time the calls of functions: HTTP handlers, or any others",
	.examples =
		"  handlerlat                              every HTTP server with a known entry\n"
		"  handlerlat -p 1234 main.handleRequest   that function of that process\n"
		"  handlerlat ./server 'main.(*API).*'     several functions, all its processes\n"
		"  handlerlat libssl.so.3 SSL_do_handshake a function of a library\n"
		"  handlerlat -i 5 -H -p 1234              percentiles and histograms by route\n"
		"  handlerlat -- ./server -port 8080       start it, trace it, stop with it\n",
	.opts = rows,
	.backends = backends,
	.intervals = true,
};

/* --- --list */

struct list_row {
	const char *name, *file, *method, *refused, *note;
	const struct tfunc *f;
};

static const char *const site_names[] = {
	[SITE_FIRST] = "first instruction",
	[SITE_PUSH] = "push after the stack check",
	[SITE_BRANCH] = "branch of the stack check",
	[SITE_STEPPED] = "after the stack check, single-stepped",
};

static void entry_col(const void *rec, struct json *j, const char *key, char *buf, size_t size)
{
	const struct list_row *r = rec;
	char va[24];

	snprintf(va, sizeof(va), "0x%llx", (unsigned long long)(r->f->entry_off + r->f->va_off));
	if (!j)
		snprintf(buf, size, "%s", r->refused ? "-" : va);
	else if (!r->refused)
		json_str(j, key, va);
}

static void offset_col(const void *rec, struct json *j, const char *key, char *buf, size_t size)
{
	const struct list_row *r = rec;

	if (j && !r->refused)
		json_u64(j, key, r->f->entry_off);
}

static void exits_col(const void *rec, struct json *j, const char *key, char *buf, size_t size)
{
	const struct list_row *r = rec;
	char va[24];

	if (r->refused) {
		if (!j)
			snprintf(buf, size, "-");
		return;
	}
	if (j)
		json_open(j, key, '[');
	else if (!r->f->exit_off)
		snprintf(buf, size, "return probe");
	else
		snprintf(buf, size, "%zu", r->f->nexits);
	for (size_t i = 0; j && r->f->exit_off && i < r->f->nexits; i++) {
		snprintf(va, sizeof(va), "0x%llx",
			 (unsigned long long)(r->f->exit_off[i] + r->f->va_off));
		json_str(j, NULL, va);
	}
	if (j)
		json_close(j, ']');
}

static void name_col(const void *rec, struct json *j, const char *key, char *buf, size_t size)
{
	const struct list_row *r = rec;
	const char *tail = r->refused ? r->refused : r->note ? r->note : "";

	snprintf(buf, size, "%s%s%s%s%s", r->name, *tail ? " (" : "", r->refused ? "refused: " : "",
		 tail, *tail ? ")" : "");
}

static const struct col list_cols[] = {
	COL_CALL(entry_col, "entry", "ENTRY", 18, COL_F_LEFT),
	COL_CALL(offset_col, "entry_offset", NULL, 0, COL_F_JSON),
	COL_CALL(exits_col, "exits", "EXITS", 12, COL_F_LEFT),
	COL_CALL(name_col, NULL, "FUNCTION", 0, COL_F_LEFT | COL_F_LAST | COL_F_TEXT),
	COL(struct list_row, name, COL_STR, "name", NULL, 0, COL_F_JSON),
	COL(struct list_row, file, COL_STR, "file", NULL, 0, COL_F_JSON),
	COL(struct list_row, method, COL_STR, "method", NULL, 0, COL_F_JSON | COL_F_OPT),
	COL(struct list_row, refused, COL_STR, "refused", NULL, 0, COL_F_JSON | COL_F_OPT),
	COL(struct list_row, note, COL_STR, "note", NULL, 0, COL_F_JSON | COL_F_OPT),
	{.kind = COL_END},
};
static const struct table list_table = {"function", list_cols};

static int list_file(const struct tfile *t)
{
	struct list_row r = {.file = t->name};
	int err = 0;

	for (size_t i = 0; i < t->nfuncs && !err; i++) {
		const struct tfunc *f = &t->funcs[i];

		r.name = f->name;
		r.f = f;
		r.refused = f->refused;
		r.note = f->note;
		r.method = f->refused		? NULL
			   : t->lang == LANG_GO ? site_names[f->kind]
						: "entry and return probe";
		err = row_print(&list_table, &r);
	}
	return err;
}

/* Without root: what the command line would probe. */
static int list(const struct opt_words *w)
{
	bool watching = false;
	int err = choose_targets(w, &watching);

	row_init(std.json, NULL);
	if (!err && probe_nfiles)
		row_header(&list_table);
	for (size_t i = 0; i < probe_nfiles && !err; i++)
		err = list_file(probe_files[i].t);
	err = err ?: row_flush();
	if (err && err != -EPIPE)
		log_error("%s", fail_text(err));
	return err && err != -EPIPE;
}

int main(int argc, char **argv)
{
	struct opt_words words;
	uint64_t size = 64;

	opts_parse(&tool, argc, argv, &words);
	if (std.replay && (words.nargs || words.ncmd || std.record)) {
		log_error("--replay takes no target and no --record");
		return 2;
	}
	if (words.ncmd && std.pids.n) {
		log_error("-p and a command exclude each other");
		return 2;
	}
	for (int i = 0; set.exits && exits_names[i]; i++) {
		if (!strcmp(set.exits, exits_names[i]))
			target_exits_mode = i;
	}
	while (size < set.ring_kib)
		size *= 2;
	set.ring_kib = size;
	return set.list ? list(&words) : live_run(&words);
}
