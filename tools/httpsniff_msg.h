/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTPSNIFF_MSG_H
#define HTTPSNIFF_MSG_H
/*
 * What the parts between common/capture and the output share: httpsniff_msg.c follows messages from
 * head to end, httpsniff_request.c keeps requests, httpsniff_body.c gathers bodies,
 * httpsniff_text.c masks heads.
 */
#include "httpsniff_parts.h"
#include "inflate.h"

/*
 * Buffers of messages under way, of all connections: where they come to more, what is beyond is cut
 * off, as if it were beyond --max-body.
 */
#define HOLD_MAX ((size_t)256 << 20)
/*
 * Makes room for need bytes in *buf, which is *cap bytes long (NULL and 0: new). False, with
 * nothing changed, where that would be beyond HOLD_MAX or there is no memory.
 */
bool hold_grow(char **buf, size_t *cap, size_t need);
/* Frees *buf if it is longer than keep bytes. */
void hold_trim(char **buf, size_t *cap, size_t keep);
void hold_free_spares(void); /* at the end of all */

/* A message under way, from its head to its end. */
struct draft {
	struct draft *next; /* among the spares */
	struct asked *asked; /* the request that it is, or answers; or NULL */
	const struct cap_who *who; /* a reference */
	char *text; /* owned: the head, masked; see struct message */
	size_t text_cap, head_len;
	char *body; /* owned */
	size_t body_cap, body_len;
	struct inflater in; /* of a body that is coded, until it ended */
	bool begun, coded, ended;
	bool cut; /* bytes that there were are not in body */
	const char *decoding;
	char coding[32];
	uint64_t
		body_end; /* position behind the last byte of the body that is no chunk's framing */
	uint64_t unread;
	const char *cause; /* of unread and lost bytes: the first */
};

/* A request, as long as its message or a response to it is under way, or one is due. */
struct asked {
	struct request r; /* first, for it is what others get */
	struct draft *draft; /* NULL: its message is over */
	char *buf; /* owned: what r's pointers point into */
	size_t cap;
	struct asked *next; /* among the spares */
};

/* --- httpsniff_request.c */
/*
 * A new request with m's method, target and host; text is m's, masked. It belongs to the caller,
 * and another reference is for the response, where one is due. NULL: out of memory.
 */
struct asked *asked_new(const struct http1_msg *m, const char *text, size_t len, bool due);
static inline struct asked *asked_get(struct asked *a)
{
	if (a)
		a->r.refs++;
	return a;
}
/* Gives a reference back; NULL is fine. 0 or what har_unanswered() says. */
int asked_put(struct asked *a);
void asked_free_spares(void);

/* --- httpsniff_body.c */
/* More of the body; data NULL: n bytes that are not at hand. */
void body_add(struct draft *d, const struct http1_msg *m, const void *data, uint64_t n);
/* The body is over: frees the decoder. */
void body_over(struct draft *d);
/* Fills in what msg tells of the body. */
void body_show(struct draft *d, struct message *msg);

/* --- httpsniff_text.c */
/* Copies m's head into d->text and masks it. False: out of memory. */
bool text_head(struct draft *d, const struct http1_msg *m);
/* The same for trailers, once the head is there. */
bool text_trailers(struct draft *d, const struct http1_msg *m);
/* Masks head and trailers of m's len bytes as they were on the wire; d has the text already. */
void text_mask_raw(const struct draft *d, const struct http1_msg *m, char *raw, size_t len);
#endif
