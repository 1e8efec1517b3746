/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef POST_INT_H
#define POST_INT_H
/* What the parts of post share: post.c queue and answers, post_curl.c libcurl, post_url.c words. */
#include "post.h"

#define POST_ANSWER 4096 /* bytes of an answer that are looked at */

/* Where to; all owned. */
struct post_url {
	char *url; /* with its path */
	char *host; /* without brackets */
	char *resolve; /* "HOST:PORT:ADDRESS,..." for CURLOPT_RESOLVE; NULL: host is an address */
	uint16_t port;
	bool https;
};
int post_url_parse(struct post_url *u, const char *url, const char *path);
void post_url_free(struct post_url *u);
/* "Name: value" with nothing in it that would end the line, and none of those that are ours. */
int post_header_check(const char *text);

/* --- one request at a time */
struct post_curl;

/* How a request ended. */
struct post_end {
	const char *error; /* NULL: it was answered; valid until the next call */
	long status;
	uint64_t retry_ms; /* Retry-After; 0: none */
	uint16_t local_port; /* 0: not known */
	const char *body; /* the first POST_ANSWER bytes of the answer */
	size_t len;
};
int post_curl_open(struct post_curl **c, const struct post_url *u, const struct post_options *o);
int post_curl_fd(const struct post_curl *c);
/* body must stay until the end is told. 0 or -errno. */
int post_curl_start(struct post_curl *c, const char *body, size_t len);
/* Goes on; true: the request is over, and *end says how. */
bool post_curl_go(struct post_curl *c, uint64_t now_ms, struct post_end *end);
/* When post_curl_go() is to be called even if nothing is readable; UINT64_MAX: not at all. */
uint64_t post_curl_due_ms(const struct post_curl *c);
void post_curl_close(struct post_curl *c);

/* The clock of these, ms. */
uint64_t post_now_ms(void);
#endif
