/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTPTRACE_OTLP_INT_H
#define HTTPTRACE_OTLP_INT_H
/* What the parts of --otlp share. */
#include "httptrace_parts.h"
#include "otlp.h"

/* httptrace_otlp_span.c: adds s to the batch. 0 or -ENOMEM. */
int otlp_fill(struct otlp_batch *b, const struct span *s);
extern const char *otlp_methods; /* known ones, with commas between them */

/* httptrace_otlp_url.c */
void otlp_put_url(struct json *j, const struct span *s);
void otlp_url_free(void); /* its buffer */

static inline bool otlp_unix(const struct span *s)
{
	return s->hop->proto == CAP_UNIX;
}

/* httptrace_otlp_post.c: batches over HTTP. */
bool otlp_post_wanted(const char *dest); /* has it a scheme? */
int otlp_post_open(const char *url); /* 0 or -errno with text */
void otlp_post_batch(const char *text, size_t len, uint64_t spans);
void otlp_post_tick(void);
/* Is s a request of our own to the collector, as its process received it? */
bool otlp_post_own(const struct span *s);
int otlp_post_close(void);
#endif
