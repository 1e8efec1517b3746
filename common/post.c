// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "log.h"
#include "post_int.h"

#define RETRY_FIRST_MS 500
#define RETRY_LAST_MS  30000
#define RETRY_ASKED_MS 300000 /* not longer, whatever Retry-After says */
#define SAY_MS	       60000 /* one line about the same trouble in so long */
#define PORTS	       8
#define SHOWN	       200 /* bytes of an answer that a warning repeats */

struct body {
	struct body *next;
	uint64_t items;
	size_t len;
	char text[];
};

struct post {
	struct post_url url;
	struct post_curl *curl;
	char *name; /* as given; owned */
	uint64_t (*rejected)(const char *body, size_t len, uint64_t n);
	struct body *first, **last; /* the first is under way when busy */
	size_t bytes, max_bytes;
	bool busy;
	uint64_t retry_ms; /* not before; 0: at once */
	unsigned int failures; /* in a row */
	uint64_t well_ms; /* when it last went well, or the queue was empty */
	uint64_t said_fail_ms, said_refused_ms, said_full_ms; /* 0: never */
	uint64_t random;
	uint16_t ports[PORTS]; /* local ones, the last */
	unsigned int nports;
	struct post_stats st;
};

uint64_t post_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int post_open(struct post **out, const struct post_options *o)
{
	struct post *p = calloc(1, sizeof(*p));
	int err = 0;

	if (!p)
		return fail(-ENOMEM, "no memory for '%s'", o->url);
	p->last = &p->first;
	p->max_bytes = o->queue_bytes;
	p->rejected = o->rejected;
	p->random = post_now_ms() * 2654435761u + 1;
	p->name = strdup(o->url);
	for (size_t i = 0; i < o->nheaders && !err; i++)
		err = post_header_check(o->headers[i]);
	if (!err && !p->name)
		err = fail(-ENOMEM, "no memory for '%s'", o->url);
	err = err ?: post_url_parse(&p->url, o->url, o->path) ?:
		     post_curl_open(&p->curl, &p->url, o);
	if (err)
		post_close(p, 0, NULL);
	else
		*out = p;
	return err;
}

int post_fd(const struct post *p)
{
	return post_curl_fd(p->curl);
}

/* May this be said now? Once in SAY_MS. */
static bool say(uint64_t *said_ms)
{
	uint64_t now = post_now_ms();

	if (*said_ms && now - *said_ms < SAY_MS)
		return false;
	*said_ms = now;
	return true;
}

static void drop(struct post *p, uint64_t items)
{
	p->st.dropped += items;
}

bool post_room(const struct post *p, size_t len)
{
	return !p->first || (p->bytes < p->max_bytes && len <= p->max_bytes - p->bytes);
}

bool post_add(struct post *p, const char *text, size_t len, uint64_t items)
{
	bool room = len <= p->max_bytes && post_room(p, len);
	struct body *b = room ? malloc(sizeof(*b) + len) : NULL;

	p->st.items += items;
	if (!b) {
		drop(p, items);
		if (say(&p->said_full_ms))
			log_warn("%s: %s: what does not fit is dropped", p->name,
				 room ? "no memory" : "it takes less than there is to be sent");
		return false;
	}
	if (!p->first)
		p->well_ms = post_now_ms();
	*b = (struct body){.items = items, .len = len};
	memcpy(b->text, text, len);
	*p->last = b;
	p->last = &b->next;
	p->bytes += len;
	return true;
}

/* The first is done with. */
static void pop(struct post *p)
{
	struct body *b = p->first;

	p->first = b->next;
	if (!p->first)
		p->last = &p->first;
	p->bytes -= b->len;
	free(b);
}

/* xorshift: so that many tools do not come back at the same time. */
static uint64_t jitter(struct post *p, uint64_t ms)
{
	p->random ^= p->random << 13;
	p->random ^= p->random >> 7;
	p->random ^= p->random << 17;
	return ms / 2 + p->random % (ms + 1);
}

static void try_again(struct post *p, const struct post_end *e)
{
	unsigned int doublings = p->failures < 6 ? p->failures : 6;
	uint64_t wait = (uint64_t)RETRY_FIRST_MS << doublings;

	p->failures++;
	p->st.retries++;
	wait = jitter(p, wait < RETRY_LAST_MS ? wait : RETRY_LAST_MS);
	/* Not before what it asks for; a little later, for the same reason. */
	if (e->retry_ms)
		wait = (e->retry_ms < RETRY_ASKED_MS ? e->retry_ms : RETRY_ASKED_MS) + wait / 8;
	p->retry_ms = post_now_ms() + wait;
	if (!say(&p->said_fail_ms))
		return;
	if (e->error)
		log_warn("%s: %s; it is tried again", p->name, e->error);
	else
		log_warn("%s: status %ld; it is tried again", p->name, e->status);
}

static void taken(struct post *p, const struct post_end *e)
{
	uint64_t n = p->first->items;
	uint64_t bad = p->rejected ? p->rejected(e->body, e->len, n) : 0;

	p->st.sent += n - bad;
	p->st.refused += bad;
	drop(p, bad);
	if (bad && say(&p->said_refused_ms))
		log_warn("%s: %llu of %llu refused: %.*s", p->name, (unsigned long long)bad,
			 (unsigned long long)n, (int)(e->len < SHOWN ? e->len : SHOWN), e->body);
}

static void refused(struct post *p, const struct post_end *e)
{
	p->st.refused += p->first->items;
	drop(p, p->first->items);
	if (say(&p->said_refused_ms))
		log_warn("%s: refused with status %ld: %.*s", p->name, e->status,
			 (int)(e->len < SHOWN ? e->len : SHOWN), e->body);
}

static bool passing(long status)
{
	return status == 429 || (status >= 502 && status <= 504);
}

static void ended(struct post *p, const struct post_end *e)
{
	p->busy = false;
	if (e->local_port && e->local_port != p->ports[p->nports % PORTS])
		p->ports[++p->nports % PORTS] = e->local_port;
	/* An answer that broke off behind its status was one all the same, but for a 2xx. */
	if (passing(e->status) || (e->error && e->status < 300)) {
		try_again(p, e);
		return;
	}
	if (e->status >= 200 && e->status < 300)
		taken(p, e);
	else
		refused(p, e);
	p->st.posts++;
	p->failures = 0;
	p->retry_ms = 0;
	p->well_ms = post_now_ms();
	pop(p);
}

static void start(struct post *p)
{
	static const struct post_end no_memory = {.error = "no memory for libcurl"};

	if (post_curl_start(p->curl, p->first->text, p->first->len))
		try_again(p, &no_memory);
	else
		p->busy = true;
}

void post_poll(struct post *p)
{
	struct post_end end;
	uint64_t now;

	/* As long as one ends at once another can begin, but the caller has more to do. */
	for (int i = 0; i < 4; i++) {
		now = post_now_ms();
		if (!p->busy && p->first && now >= p->retry_ms)
			start(p);
		if (!post_curl_go(p->curl, now, &end))
			break;
		ended(p, &end);
	}
}

void post_wait(struct post *p, int ms)
{
	struct pollfd readable = {.fd = post_fd(p), .events = POLLIN};
	uint64_t now = post_now_ms(), until = now + (uint64_t)ms, due;

	if (!p->first)
		return;
	due = p->busy ? post_curl_due_ms(p->curl) : p->retry_ms;
	if (due < until)
		until = due;
	poll(&readable, 1, until > now ? (int)(until - now) : 0);
	post_poll(p);
}

uint64_t post_stuck_ms(const struct post *p)
{
	uint64_t now = post_now_ms();

	return p->first ? now - p->well_ms : 0;
}

bool post_local_port(const struct post *p, uint16_t port)
{
	for (unsigned int i = 0; i < PORTS; i++)
		if (port && p->ports[i] == port)
			return true;
	return false;
}

void post_stats(const struct post *p, struct post_stats *st)
{
	*st = p->st;
}

void post_close(struct post *p, int timeout_ms, struct post_stats *st)
{
	uint64_t end, now;

	if (!p)
		return;
	end = post_now_ms() + (uint64_t)timeout_ms;
	/* The time is short: what failed is tried at once, for the first time. */
	p->retry_ms = 0;
	p->failures = 0;
	while (p->curl && p->first && (now = post_now_ms()) < end)
		post_wait(p, (int)(end - now));
	post_curl_close(p->curl);
	while (p->first) {
		drop(p, p->first->items);
		pop(p);
	}
	if (st)
		*st = p->st;
	post_url_free(&p->url);
	free(p->name);
	free(p);
}
