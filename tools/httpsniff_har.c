// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * --har: HAR 1.2, an entry for each response and for each request that none answers.
 *
 * Whichever of the two is over first waits for the other, as text, in struct request. An entry is
 * written as soon as it is whole. A file that can be written at any place ends as it should after
 * each of them, so that it can be read even if the run is killed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "httpsniff_file.h"
#include "httpsniff_har.h"
#include "log.h"
#include "row.h"

#define WAITING_MAX (16 << 20) /* bytes that wait, all together */
#define SPARE_MAX   (256 << 10) /* bytes of buffers that are kept */

static const char start[] = "{\"log\":{\"version\":\"1.2\",\"creator\":{\"name\":\"httpsniff\","
			    "\"version\":\"" VERSION "\"},\"pages\":[],\"entries\":[\n";
static const char tail[] = "\n]}}\n";

/* A message that waits. */
struct half {
	uint64_t begin_ns, end_ns; /* wall clock */
	uint64_t lost;
	bool response, complete, truncated;
	size_t len[3]; /* of the texts */
	char text[]; /* its object; what the entry has of it; of a response, the request's object */
};

static int fd = -1;
static int error; /* the first; nothing is written after it */
static const char *name;
static bool regular;
static off_t end; /* where the next entry goes */
static bool first; /* it is the first */
static struct json scratch[3], entry;
static size_t waiting;
static uint64_t bodies_left_out, requests_left_out, entries_left_out;

/* --- the file */

static int failed(void)
{
	if (!error)
		return 0;
	/* -EPIPE is a reader of standard output that left, and quiet. */
	return fail(error == -EPIPE ? -EIO : error, "cannot write %s: %s", name, strerror(-error));
}

/* Adds what is in entry, and what makes the file whole: in one call, for the run may be killed. */
static void put(void)
{
	size_t len = entry.len;

	if (regular)
		json_raw(&entry, tail, sizeof(tail) - 1);
	if (entry.err) {
		entries_left_out++;
		return;
	}
	if (regular && lseek(fd, end, SEEK_SET) < 0)
		error = -errno;
	error = error ?: file_write(fd, entry.buf, entry.len);
	if (!error)
		end += len;
	else if (regular && !ftruncate(fd, end) && lseek(fd, end, SEEK_SET) == end)
		/* The room that the rest took is free again. */
		file_write(fd, tail, sizeof(tail) - 1);
}

int har_open(const char *file)
{
	name = file;
	fd = file_create(file, &regular);
	if (fd < 0)
		return fd;
	first = true;
	for (int i = 0; i < 3; i++)
		json_init(&scratch[i]);
	json_init(&entry);
	json_raw(&entry, start, sizeof(start) - 1);
	put();
	return failed();
}

static void trim(struct json *j)
{
	if (j->cap <= SPARE_MAX)
		return;
	json_free(j);
	json_init(j);
}

/* --- entries */

static double ms(uint64_t from, uint64_t to)
{
	return to > from ? (to - from) / 1e6 : 0;
}

/* Either may be NULL: not known. What one does before the other is over is the other's time. */
static void put_times(struct json *j, const struct half *q, const struct half *a)
{
	uint64_t sent = q && a && a->begin_ns < q->end_ns ? a->begin_ns : q ? q->end_ns : 0;
	double send = q ? ms(q->begin_ns, sent) : 0;
	double wait = q && a ? ms(q->end_ns, a->begin_ns) : 0;
	double receive = a ? ms(a->begin_ns, a->end_ns) : 0;

	json_f64(j, "time", send + wait + receive);
	json_open(j, "timings", '{');
	json_i64(j, "blocked", -1);
	json_i64(j, "dns", -1);
	json_i64(j, "connect", -1);
	json_f64(j, "send", send);
	json_f64(j, "wait", wait);
	json_f64(j, "receive", receive);
	json_i64(j, "ssl", -1);
	json_close(j, '}');
}

static const char *text_of(const struct half *h, int i)
{
	return h->text + (i > 0 ? h->len[0] : 0) + (i > 1 ? h->len[1] : 0);
}

static void put_member(struct json *j, const char *key, const struct half *h, int i)
{
	json_raw(j, key, strlen(key));
	json_raw(j, text_of(h, i), h->len[i]);
}

/* A request q, its response a; one of them may be NULL. */
static void put_entry(const struct half *q, const struct half *a)
{
	const struct half *who = q ?: a;
	struct json *j = &entry;
	char time[36];

	json_reset(j);
	json_raw(j, first ? "" : ",\n", first ? 0 : 2);
	json_open(j, NULL, '{');
	json_str(j, "startedDateTime", row_rfc3339(time, who->begin_ns));
	put_times(j, q, a);
	put_member(j, ",\"request\":", who, q ? 0 : 2);
	if (a) {
		put_member(j, ",\"response\":", a, 0);
	} else {
		json_raw(j, ",\"response\":", 12);
		har_put_no_response(j);
	}
	json_open(j, "cache", '{');
	json_close(j, '}');
	/* Its members without the braces. */
	json_raw(j, ",", 1);
	json_raw(j, text_of(who, 1) + 1, who->len[1] - 2);
	json_bool(j, "_complete", q && q->complete && a && a->complete);
	json_bool(j, "_truncated", (q && q->truncated) || (a && a->truncated));
	json_u64(j, "_lost_bytes", (q ? q->lost : 0) + (a ? a->lost : 0));
	json_close(j, '}');
	put();
	first = first && j->err;
	trim(j);
}

/* --- halves */

static size_t size_of(const struct half *h)
{
	return sizeof(*h) + h->len[0] + h->len[1] + h->len[2];
}

/* What is in scratch becomes a half. NULL: no memory. */
static struct half *new_half(const struct message *msg)
{
	struct half *h;
	size_t len = 0;
	int err = 0;

	for (int i = 0; i < 3; i++) {
		len += scratch[i].len;
		err = err ?: scratch[i].err;
	}
	h = err ? NULL : malloc(sizeof(*h) + len);
	if (!h)
		return NULL;
	*h = (struct half){
		.begin_ns = msg->time_ns,
		.end_ns = msg->end_ns,
		.lost = msg->lost_bytes,
		.response = !msg->m->request,
		.complete = msg->complete,
		.truncated = msg->truncated,
	};
	len = 0;
	for (int i = 0; i < 3; i++) {
		if (scratch[i].len)
			memcpy(h->text + len, scratch[i].buf, scratch[i].len);
		h->len[i] = scratch[i].len;
		len += scratch[i].len;
	}
	return h;
}

static struct half *make_half(const struct message *msg, bool body)
{
	struct half *h;

	for (int i = 0; i < 3; i++)
		json_reset(&scratch[i]);
	har_put_who(&scratch[1], msg);
	if (msg->m->request) {
		har_put_request(&scratch[0], msg, body);
	} else {
		har_put_response(&scratch[0], msg);
		har_put_asked(&scratch[2], msg);
	}
	h = new_half(msg);
	for (int i = 0; i < 3; i++)
		trim(&scratch[i]);
	return h;
}

/* Lets h wait in r, if there is room. */
static bool wait_in(struct request *r, struct half *h)
{
	if (!h || waiting + size_of(h) > WAITING_MAX)
		return false;
	waiting += size_of(h);
	r->har = h;
	return true;
}

static struct half *take(struct request *r)
{
	struct half *h = r->har;

	waiting -= size_of(h);
	r->har = NULL;
	return h;
}

/* A request's half waits, without its body where there is too little room, or not at all. */
static void wait_for_response(const struct message *msg, struct half *h)
{
	if (wait_in(msg->request, h))
		return;
	free(h);
	h = msg->body_len ? make_half(msg, false) : NULL;
	if (wait_in(msg->request, h)) {
		bodies_left_out++;
		return;
	}
	free(h);
	requests_left_out++;
}

int har_message(const struct message *msg)
{
	struct request *r = msg->request;
	struct half *h, *other = r ? r->har : NULL;
	bool request = msg->m->request;

	if (fd < 0 || error)
		return failed();
	if (msg->m->interim)
		return 0;
	h = make_half(msg, true);
	if (other && h && other->response == request) {
		take(r);
		put_entry(request ? h : other, request ? other : h);
		free(other);
	} else if (request && r && !other) {
		wait_for_response(msg, h);
		return 0;
	} else if (!request && r && !other && wait_in(r, h)) {
		/* Its request is not over yet, or was not selected: har_unanswered() tells. */
		return 0;
	} else if (h) {
		put_entry(request ? h : NULL, request ? NULL : h);
	} else {
		entries_left_out++;
	}
	free(h);
	return failed();
}

int har_unanswered(struct request *r)
{
	struct half *h = take(r);

	if (fd >= 0 && !error)
		put_entry(h->response ? NULL : h, h->response ? h : NULL);
	free(h);
	return failed();
}

static void say_left_out(uint64_t n, const char *what, const char *why)
{
	if (n)
		log_warn("%s: %s are missing of %llu requests: %s", name, what,
			 (unsigned long long)n, why);
}

int har_close(void)
{
	static const char full[] = "too much waited for responses at one time";

	if (fd < 0)
		return 0;
	if (!regular && !error)
		error = file_write(fd, tail, sizeof(tail) - 1);
	if (close(fd) && !error)
		error = -errno;
	fd = -1;
	say_left_out(bodies_left_out, "bodies", full);
	say_left_out(requests_left_out, "heads and bodies", full);
	say_left_out(entries_left_out, "entries", "out of memory");
	for (int i = 0; i < 3; i++)
		json_free(&scratch[i]);
	json_free(&entry);
	return failed();
}
