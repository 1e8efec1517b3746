// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Writing a conversation down: script.h. */
#include <stdarg.h>
#include "http.h"

static struct conn *c;
static int at; /* the side that is being written */
static int open_at[SIDES]; /* its message, -1: none */
static struct sha256 sha[SIDES];
static uint64_t gone[SIDES]; /* what is in steps */
static unsigned int turns, counts[SIDES], answered;

static void *grown(void *array, unsigned int n, size_t size)
{
	return n & (n - 1) ? array : need(realloc(array, (n ? 2 * n : 1) * size));
}

static struct step *add_step(enum step_kind kind, int side)
{
	struct step *s;

	c->steps = grown(c->steps, c->nsteps, sizeof(*s));
	s = &c->steps[c->nsteps++];
	*s = (struct step){.kind = kind, .side = side, .turn = turns};
	return s;
}

static struct message *current(void)
{
	if (open_at[at] < 0)
		wrong("a script adds to no message");
	return &c->messages[open_at[at]];
}

static struct message *begin(int side)
{
	struct message *m;

	resume(side);
	if (open_at[at] >= 0)
		end_message();
	c->messages = grown(c->messages, c->nmessages, sizeof(*m));
	open_at[at] = c->nmessages++;
	m = current();
	*m = (struct message){.side = side, .begin = c->len[side], .framing = "none"};
	m->name = m->anomalies = "";
	sha256_init(&sha[at]);
	return m;
}

static void append(const void *p, size_t n)
{
	if (c->len[at] + n > c->cap[at]) {
		c->cap[at] = (c->len[at] + n) * 3 / 2 + 256;
		c->data[at] = need(realloc(c->data[at], c->cap[at]));
	}
	if (n)
		memcpy(c->data[at] + c->len[at], p, n);
	c->len[at] += n;
}

static void line(const char *fmt, va_list ap)
{
	char *s;
	int n = vasprintf(&s, fmt, ap);

	if (n < 0)
		die("vasprintf");
	append(s, n);
	append("\r\n", 2);
	free(s);
}

void script_begin(struct conn *which)
{
	c = which;
	at = CLIENT;
	open_at[CLIENT] = open_at[SERVER] = -1;
	memset(gone, 0, sizeof(gone));
	memset(counts, 0, sizeof(counts));
	turns = answered = 0;
}

void script_end(struct conn *which)
{
	struct message *shared_ones;

	for (at = 0; at < SIDES; at++) {
		if (open_at[at] >= 0)
			end_message();
		go();
	}
	shared_ones = memory((which->nmessages + 1) * sizeof(*shared_ones));
	if (which->nmessages)
		memcpy(shared_ones, which->messages, which->nmessages * sizeof(*shared_ones));
	free(which->messages);
	which->messages = shared_ones;
	c = NULL;
}

void request(const char *fmt, ...)
{
	va_list ap;

	begin(CLIENT)->number = ++counts[CLIENT];
	va_start(ap, fmt);
	line(fmt, ap);
	va_end(ap);
}

void response(const char *fmt, ...)
{
	struct message *m = begin(SERVER);
	const char *status;
	va_list ap;

	m->number = ++counts[SERVER];
	if (strncmp(fmt, "HTTP/", 5))
		append("HTTP/1.1 ", 9);
	va_start(ap, fmt);
	line(fmt, ap);
	va_end(ap);
	status = c->data[SERVER] + m->begin + 9;
	m->interim = status[0] == '1' && strncmp(status, "101", 3);
	m->answers = answered < counts[CLIENT] ? answered + 1 : 0;
	answered += m->answers && !m->interim;
}

void other(int side, const char *what, const char *sni)
{
	struct message *m = begin(side);

	m->what = what;
	m->sni = sni;
}

void resume(int side)
{
	at = side;
}

void header(const char *fmt, ...)
{
	va_list ap;

	current()->headers++;
	va_start(ap, fmt);
	line(fmt, ap);
	va_end(ap);
}

void head_end(const char *framing)
{
	struct message *m = current();

	append("\r\n", 2);
	m->head_bytes = c->len[at] - m->begin;
	m->framing = framing;
}

void raw_head(const void *head, size_t n, const char *framing, const char *anomalies)
{
	struct message *m = begin(at);

	m->number = ++counts[at];
	if (at == SERVER)
		m->answers = answered < counts[CLIENT] ? ++answered : 0;
	append(head, n);
	m->head_bytes = n;
	m->cut = !strcmp(framing, "unknown");
	m->framing = framing;
	m->anomalies = anomalies;
}

void body_is(const void *p, size_t n)
{
	sha256_add(&sha[at], p, n);
	current()->body_bytes += n;
}

void body(const void *p, size_t n)
{
	append(p, n);
	body_is(p, n);
}

void chunk_sized(const char *size_line, const void *p, size_t n)
{
	append(size_line, strlen(size_line));
	append("\r\n", 2);
	body(p, n);
	append("\r\n", 2);
}

void chunk(const void *p, size_t n, const char *ext)
{
	char size_line[256];

	snprintf(size_line, sizeof(size_line), "%zx%s", n, ext);
	chunk_sized(size_line, p, n);
}

void last_chunk(const char *trailers, unsigned int n)
{
	append("0\r\n", 3);
	append(trailers, strlen(trailers));
	append("\r\n", 2);
	current()->trailers = n;
}

void bytes(const void *p, size_t n)
{
	append(p, n);
}

void named(const char *name)
{
	current()->name = name;
}

void odd(const char *anomalies)
{
	current()->anomalies = anomalies;
}

void coded(const char *coding, const void *plain, size_t n)
{
	struct message *m = current();
	struct sha256 s;

	m->coding = coding;
	if (!plain)
		return;
	m->decodes = true;
	m->decoded_bytes = n;
	sha256_init(&s);
	sha256_add(&s, plain, n);
	sha256_hex(&s, m->decoded_sha);
}

void end_message(void)
{
	struct message *m = current();

	m->end = c->len[at];
	sha256_hex(&sha[at], m->sha);
	open_at[at] = -1;
}

void cut_message(void)
{
	struct message *m = current();

	m->cut = true;
	if (!m->head_bytes)
		m->head_bytes = c->len[at] - m->begin;
	end_message();
}

size_t pending(void)
{
	return c->len[at] - gone[at];
}

void split_at(size_t n)
{
	uint64_t end = gone[at] + n;

	if (!n || end > c->len[at])
		return;
	if (at == CLIENT)
		turns = counts[CLIENT];
	add_step(STEP_SEND, at)->end = gone[at] = end;
}

void go(void)
{
	split_at(pending());
}

void pause_ms(int side, unsigned int ms)
{
	add_step(STEP_SLEEP, side)->ms = ms;
}

void shut(int side)
{
	add_step(STEP_SHUT, side);
}

void reset_by(int side)
{
	add_step(STEP_RESET, side);
	c->reset = true;
}

void gate(void)
{
	add_step(STEP_GATE, NO_SIDE);
}
