// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * --tree: a trace as a tree across processes, a line for each hop: when both ends were seen, they
 * are one. Traces may be thousands of hops deep or wide: nothing here calls itself, and the
 * indentation ends somewhere.
 */
#include "httptrace_rows.h"
#include "log.h"
#include "run.h"
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#define MAX_INDENT 12 /* levels; deeper ones have their number */
#define PIECE	   (64 << 10) /* bytes that leave together */
#define SURE	   80 /* percent, from which on a link is no guess */

enum glyph { BRANCH, LAST, PASS, SPACE, ARROW, GLYPHS };
static const char *const unicode[GLYPHS] = {"├─ ", "└─ ", "│  ", "   ", " → "};
static const char *const ascii[GLYPHS] = {"|- ", "`- ", "|  ", "   ", " -> "};
static const char *const *glyphs = ascii;

static struct tree {
	struct json out; /* as a buffer that grows */
	uint64_t begin_ns, end_ns;
	bool more[MAX_INDENT]; /* by level: does another one follow there? */
	int err; /* of what was written already */
} tree;

/* By the names of locales: those files may not be there for the tool to load. */
void tree_init(void)
{
	const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"}, *v = NULL;

	for (size_t i = 0; i < 3 && (!v || !*v); i++)
		v = getenv(names[i]);
	if (v && (strcasestr(v, "utf-8") || strcasestr(v, "utf8")))
		glyphs = unicode;
}

/* --- who hangs on whom */

static bool here(const struct span *s)
{
	return s && s->planted;
}

/* A server's end that is shown in the line of its client's. */
static bool folded(const struct span *s)
{
	return s->role == CAP_ROLE_SERVER && here(s->peer) && s->parent == s->peer &&
	       s->peer->peer == s;
}

/* In whose line it is shown. */
static struct span *shown_in(struct span *s)
{
	return folded(s) ? s->peer : s;
}

/* Returns the first root; the others are its siblings. Both are by their beginning. */
static struct span *plant(struct span *const *spans, size_t n)
{
	struct span *roots = NULL;

	/* Itself stands for "none yet". */
	for (size_t i = 0; i < n; i++) {
		spans[i]->planted = 1;
		spans[i]->child = spans[i];
	}
	for (size_t i = n; i--;) {
		struct span *s = spans[i], *p;

		if (folded(s))
			continue;
		p = here(s->parent) ? shown_in(s->parent) : NULL;
		if (!p) {
			s->sibling = roots;
			roots = s;
		} else {
			s->sibling = p->child == p ? NULL : p->child;
			p->child = s;
		}
	}
	return roots;
}

/* --- lines */

static void put(const char *s)
{
	json_raw(&tree.out, s, strlen(s));
}

static void put_text(struct text t)
{
	size_t n;
	const char *s = escaped(t, &n);

	if (s)
		json_raw(&tree.out, s, n);
	else
		tree.out.err = -ENOMEM;
}

static void put_count(uint64_t n)
{
	char tmp[20];

	json_raw(&tree.out, tmp, decimal(tmp, n) - tmp);
}

/* Aligned to the right in width characters, or with a negative one to the left. */
static void put_time(uint64_t us, int width)
{
	char tmp[24];
	int n = put_ms(tmp, us) - tmp;

	for (; width > n; width--)
		put(" ");
	json_raw(&tree.out, tmp, n);
	for (; - width > n; width++)
		put(" ");
}

static void put_process(const struct span *s)
{
	struct text comm = comm_of(s);

	put_text(comm.n ? comm : (struct text){"?", 1});
	put("[");
	put_count(s->who->pid);
	put("]");
}

static void put_end(const char *end)
{
	put(*end ? end : "unknown");
}

/* Who asks whom: processes where they were seen, addresses elsewhere. */
static void put_hop(const struct span *s, const struct span *server)
{
	const struct hop *h = s->hop;
	const struct ends *e = ends_of(h->id, &h->flow, h->peer, h->proto, s->role);

	if (s->role == CAP_ROLE_SERVER)
		put_end(e->client);
	else
		put_process(s);
	put(glyphs[ARROW]);
	if (s->role == CAP_ROLE_SERVER)
		put_process(s);
	else if (server)
		put_process(server);
	else
		put_end(e->server);
}

static void put_indent(unsigned int depth, bool last)
{
	unsigned int levels = depth < MAX_INDENT ? depth : MAX_INDENT - 1;

	if (!depth)
		return;
	for (unsigned int i = 1; i < levels; i++)
		put(glyphs[tree.more[i] ? PASS : SPACE]);
	put(glyphs[last ? LAST : BRANCH]);
	if (depth >= MAX_INDENT) {
		put("level ");
		put_count(depth);
		put(": ");
	}
}

/* An id of a span that is not in this tree. */
static void put_id(const uint8_t id[8])
{
	char hex[17];

	put(ids_hex(hex, id, 8));
}

static void put_candidates(const struct span *s)
{
	put(", caused by one of ");
	put_count(s->ncandidates);
	put(":");
	for (size_t i = 0; s->candidates && i < s->ncandidates && i < MAX_CANDIDATES; i++) {
		put(" ");
		put_id(s->candidates[i].span_id);
	}
	if (s->ncandidates > MAX_CANDIDATES)
		put(" ...");
}

static void put_link(const struct span *s)
{
	static const uint8_t none[8];

	if (!s->parent && s->ncandidates) {
		put_candidates(s);
		return;
	}
	if (!s->link || !span_link_names[s->link])
		return;
	put(", ");
	put(span_link_names[s->link]);
	put(" ");
	put_count(s->percent);
	put(s->percent < SURE ? "%?" : "%");
	if (!here(s->parent) && memcmp(s->parent_id, none, sizeof(none))) {
		put(" of ");
		put_id(s->parent_id);
	}
}

static void put_line(struct span *s, unsigned int depth)
{
	const struct span *server = here(s->peer) && folded(s->peer) ? s->peer : NULL;
	uint64_t begin = s->first_ns ?: s->head_ns;
	char state[8], other[8];
	struct span_times t;

	span_times(s, &t);
	put_time(t.total_us, 7);
	put(" ms +");
	put_time(begin > tree.begin_ns ? (begin - tree.begin_ns) / 1000 : 0, -7);
	put(" ");
	put_indent(depth, !s->sibling);
	put_hop(s, server);
	put(" ");
	put_text((struct text){SPAN_METHOD(s), s->method_len});
	put(" ");
	put_text((struct text){SPAN_URL(s), s->url_len});
	put(" ");
	put(state_text(state, s));
	if (server && strcmp(state, state_text(other, server))) {
		put(", server ");
		put(other);
	}
	if (t.network_us != UINT64_MAX) {
		put(", network ");
		put_time(t.network_us, 0);
		put(" ms");
	}
	put_link(s);
	put("\n");
}

/* "trace 0af7...: 3 spans, 12.345 ms, from 03:04:05.123" */
static void put_head(struct span *const *spans, size_t n)
{
	const struct trace *t = trace_of(spans[0]);
	char hex[33], hms[36];

	tree.begin_ns = UINT64_MAX;
	tree.end_ns = 0;
	for (size_t i = 0; i < n; i++) {
		const struct span *s = spans[i];
		uint64_t begin = s->first_ns ?: s->head_ns;
		uint64_t end = s->answered_ns ?: s->last_ns ?: begin;

		if (begin < tree.begin_ns)
			tree.begin_ns = begin;
		if (end > tree.end_ns)
			tree.end_ns = end;
	}
	put("trace ");
	put(t ? ids_hex(hex, t->id, sizeof(t->id)) : "unknown");
	put(": ");
	put_count(n);
	put(n == 1 ? " span, " : " spans, ");
	put_time(tree.end_ns > tree.begin_ns ? (tree.end_ns - tree.begin_ns) / 1000 : 0, 0);
	put(" ms, from ");
	put(row_hms(hms, run_wall(tree.begin_ns)));
	put("\n");
}

static void leave(void)
{
	if (tree.out.err)
		tree.err = tree.err ?: fail(tree.out.err, "no memory for a tree");
	else
		tree.err = row_put(tree.out.buf, tree.out.len) ?: tree.err;
	json_reset(&tree.out);
}

/* Down to the first child, or on to the next, or up to where there is a next. */
static struct span *next(struct span *s, unsigned int *depth)
{
	if (*depth < MAX_INDENT)
		tree.more[*depth] = s->sibling;
	if (s->child != s) {
		++*depth;
		return s->child;
	}
	for (; !s->sibling; s = shown_in(s->parent)) {
		if (!*depth)
			return NULL;
		--*depth;
	}
	return s->sibling;
}

int tree_trace(struct span *const *spans, size_t n)
{
	unsigned int depth = 0;

	if (!set.tree || std.json || !n)
		return 0;
	json_reset(&tree.out);
	tree.err = 0;
	put_head(spans, n);
	for (struct span *s = plant(spans, n); s; s = next(s, &depth)) {
		put_line(s, depth);
		if (tree.out.len > PIECE || tree.out.err)
			leave();
	}
	put("\n");
	leave();
	for (size_t i = 0; i < n; i++) {
		spans[i]->planted = 0;
		spans[i]->child = spans[i]->sibling = NULL;
	}
	return tree.err;
}
