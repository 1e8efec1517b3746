// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdio.h>
#include <string.h>
#include "httpsniff_pcapng.h"

/* A word as it is, or in quotes. */
static void put_word(FILE *f, const char *label, const char *s, size_t n)
{
	char text[4 * 112 + 1];
	const char *quote;

	text_escape(text, sizeof(text), s, n);
	quote = !*text || strpbrk(text, " \";") ? "\"" : "";
	fprintf(f, " %s %s", label, quote);
	for (const char *c = text; *c; c++)
		fprintf(f, *c == '"' ? "\\x22" : "%c", *c);
	fputs(quote, f);
}

static void put_missing(FILE *f, const struct message *msg)
{
	const struct http1_msg *m = msg->m;
	uint64_t missing = m->end - m->begin - msg->raw_len;

	if (missing)
		fprintf(f, "; %llu of its %llu bytes are not here", (unsigned long long)missing,
			(unsigned long long)(m->end - m->begin));
	if (msg->lost_bytes)
		fprintf(f, "; %llu bytes lost", (unsigned long long)msg->lost_bytes);
	if (msg->lost_cause)
		fprintf(f, "%s (%s)", msg->lost_bytes ? "" : "; cut off", msg->lost_cause);
	if (!m->complete)
		fprintf(f, "; incomplete (%s)", http1_why_name(m->why));
}

void pc_describe(char dst[PC_COMMENT], const struct message *msg, const struct pc_half *h,
		 uint64_t before)
{
	bool why = h->gapped && h->gap < msg->m->begin;
	const struct cap_conn *c = msg->conn;
	const struct cap_who *who = &msg->who;
	FILE *f = fmemopen(dst, PC_COMMENT, "w");

	*dst = 0;
	if (!f)
		return;
	fprintf(f, "pid %u tid %u", who->pid, who->tid);
	put_word(f, "comm", who->comm, strnlen(who->comm, sizeof(who->comm)));
	fprintf(f, " dir %s role %s connection %llu message %llu netns %u",
		msg->m->dir == CAP_SEND ? "send" : "recv", cap_role_names[capture_role(c)],
		(unsigned long long)c->id, (unsigned long long)msg->sequence, c->flow.netns);
	if (who->task && who->task->container[0])
		put_word(f, "container", who->task->container, strlen(who->task->container));
	if (c->proto == CAP_UNIX)
		put_word(f, "path", c->path ?: "", c->path ? strlen(c->path) : 0);
	if (before)
		fprintf(f, "; %llu bytes before it are not here%s%s%s", (unsigned long long)before,
			why ? " (" : "", why ? cap_cause_names[h->gap_cause] : "", why ? ")" : "");
	put_missing(f, msg);
	fclose(f);
	dst[PC_COMMENT - 1] = 0;
}
