/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTPSNIFF_HAR_H
#define HTTPSNIFF_HAR_H
/*
 * The parts of --har:
 *   httpsniff_har.c          the file, and which request and response make an entry
 *   httpsniff_har_message.c  the objects "request" and "response", and what is said of both
 *   httpsniff_har_cookies.c  "cookies"
 *   httpsniff_har_url.c      "url" and "queryString"
 */
#include <string.h>
#include <strings.h>
#include "httpsniff_parts.h"

/* --- pieces of a head */

struct har_text {
	const char *s;
	size_t n;
};

static inline struct har_text har_span(const struct message *msg, struct http1_span s)
{
	return (struct har_text){msg->text + s.at, s.len};
}

static inline bool har_named(const struct message *msg, const struct http1_header *h,
			     const char *name)
{
	return h->name.len == strlen(name) &&
	       !strncasecmp(msg->text + h->name.at, name, h->name.len);
}

static inline void har_put_text(struct json *j, const char *key, struct har_text t)
{
	json_strn(j, key, t.s, t.n);
}

/* "cookies", of Cookie or Set-Cookie. */
void har_put_cookies(struct json *j, const struct message *msg);

/* --- objects: each is a value of its own */

/* msg is a request. body: with its body. */
void har_put_request(struct json *j, const struct message *msg, bool body);
/* The request that msg, a response, answers, as far as that is known. */
void har_put_asked(struct json *j, const struct message *msg);
void har_put_response(struct json *j, const struct message *msg);
/* Of a request that has none. */
void har_put_no_response(struct json *j);
/* An object of what an entry has of connection and process. */
void har_put_who(struct json *j, const struct message *msg);

/* --- URLs */

/* What a URL is made of; any pointer may be NULL. */
struct har_target {
	const struct cap_conn *conn;
	bool local; /* the server is this end */
	const char *method, *target, *host;
	size_t method_len, target_len, host_len;
};

/*
 * The absolute URL: one that can be parsed whatever the parts are, for a browser refuses the whole
 * file otherwise. The caller frees it. NULL: no memory.
 */
char *har_url(const struct har_target *t, size_t *len);
/* "queryString": its parameters, percent-decoded. */
void har_put_query(struct json *j, const char *url, size_t len);
#endif
