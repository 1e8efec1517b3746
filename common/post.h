/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef POST_H
#define POST_H
/*
 * Bodies of JSON, posted one after the other to one URL, over one connection that is kept, without
 * ever making the tool wait. libcurl does it, which is loaded here and now (dlopen): whoever posts
 * nothing neither needs it nor waits for it.
 *
 * What fails for now (no connection, no answer in 10 s, 429, 502, 503, 504) is tried again, after
 * what Retry-After says or 0.5 s doubling to 30 s, give or take half of it, until it works or the
 * end; meanwhile bodies wait in a bounded queue, and what does not fit is dropped. A body whose
 * answer was lost is posted twice. Any other status is a refusal. Everything is counted in the
 * items that the caller says are in a body.
 *
 * Names are resolved once, in post_open(). No proxy is used, no redirect followed, no cookie kept.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct post;

struct post_options {
	const char *url; /* http[s]://HOST[:PORT][/PATH[?QUERY]] */
	const char *path; /* where url has none */
	char *const *headers; /* "name: value"; checked here */
	size_t nheaders;
	const char *agent; /* User-Agent */
	size_t queue_bytes; /* of bodies that may wait, the one under way included */
	/* How many of n items an answer 2xx says were refused. May be NULL. */
	uint64_t (*rejected)(const char *body, size_t len, uint64_t n);
};

struct post_stats {
	uint64_t items; /* = sent + dropped, after post_close() */
	uint64_t sent, dropped, refused; /* refused: of those dropped, by the other side */
	uint64_t posts, retries; /* answered for good; what was tried again */
};

/*
 * Loads libcurl, resolves, reads the certificate authorities (https: the file $SSL_CERT_FILE, or
 * libcurl's own), so before priv_drop(). That nobody answers is no error. -EINVAL: a bad URL or
 * header; -ENOSYS: no libcurl, or a static program; -EHOSTUNREACH: no such host; all with text.
 */
int post_open(struct post **p, const struct post_options *o);
/* Readable when post_poll() has something to do. For epoll: run_fd(). */
int post_fd(const struct post *p);
/* Does what there is to do; to be called when post_fd() is readable and some 20 times a second. */
void post_poll(struct post *p);
/*
 * Queues a copy of body, with so many items. False: it was dropped, for want of room or memory, and
 * counted.
 */
bool post_add(struct post *p, const char *body, size_t len, uint64_t items);
/* Is there room for len bytes? An empty queue has room for any that it will ever take. */
bool post_room(const struct post *p, size_t len);
/* Waits until something happens, at most ms, and does what there is to do. */
void post_wait(struct post *p, int ms);
/* Milliseconds since it last went well, while something waits; 0: nothing does. */
uint64_t post_stuck_ms(const struct post *p);
/* Was port the local one of one of the last connections? */
bool post_local_port(const struct post *p, uint16_t port);
void post_stats(const struct post *p, struct post_stats *st);
/* Posts what waits for at most timeout_ms, then drops it; frees. st may be NULL, p too. */
void post_close(struct post *p, int timeout_ms, struct post_stats *st);
#endif
