/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef LOAD_REQUEST_H
#define LOAD_REQUEST_H
/* The requests that service reads: everything up to the handler. */
#include <stdio.h>
#include "http.h"

struct request {
	char head[HEAD_MAX];
	char *method, *target, *query; /* in head; query is "" where there is none */
	bool keep;
	struct body body;
};

/* Splits the request line. Returns 0 or the status to refuse with. */
static inline int request_line(struct request *r)
{
	char *save, *version, v[64], *rest = strstr(r->head, "\r\n");

	if (rest)
		*rest = '\0';
	r->method = strtok_r(r->head, " ", &save) ?: "";
	r->target = strtok_r(NULL, " ", &save);
	version = strtok_r(NULL, " ", &save);
	if (!version || strtok_r(NULL, " ", &save) || *r->target != '/')
		return 400;
	if (strcmp(version, "HTTP/1.1") && strcmp(version, "HTTP/1.0"))
		return strncmp(version, "HTTP/", 5) ? 400 : 505;
	r->keep = version[7] == '1';
	r->query = strchr(r->target, '?');
	if (r->query)
		*r->query++ = '\0';
	else
		r->query = "";
	if (rest)
		*rest = '\r';
	if (rest && header_get(rest, "Connection", v, sizeof(v)))
		r->keep = strcasecmp(v, "close") && (r->keep || !strcasecmp(v, "keep-alive"));
	return 0;
}

/* The status that an error of http.h deserves; negative: the connection is not worth an answer. */
static inline int refusal(int64_t err)
{
	switch (err) {
	case -E2BIG: return 431;
	case -EFBIG: return 413;
	case -ENOTSUP: return 501;
	case -EBADMSG: return 400;
	}
	return err;
}

static inline int request_body(struct stream *in, struct request *r, const char *headers)
{
	struct iovec go = {"HTTP/1.1 100 Continue\r\n\r\n", 25};
	int64_t len = body_length(headers);
	char v[64];

	if (len < -1)
		return refusal(len);
	if (len > BODY_MAX)
		return 413;
	if (len && header_get(headers, "Expect", v, sizeof(v))) {
		if (strcasecmp(v, "100-continue"))
			return 417;
		if (in->len == in->pos && send_all(in->fd, &go, 1))
			return -EPIPE;
	}
	return refusal(len < 0 ? body_read_chunks(in, &r->body) : body_read(in, &r->body, len));
}

/* Reads one request. 0, the status to refuse with, or negative when the connection is over. */
static inline int request_read(struct stream *in, struct request *r)
{
	const char *headers;
	int status;

	r->body.len = 0;
	r->method = "";
	r->keep = false;
	status = refusal(stream_until(in, "\r\n\r\n", r->head));
	if (status)
		return status;
	headers = strstr(r->head, "\r\n");
	status = request_line(r);
	if (status)
		return status;
	return request_body(in, r, headers ? headers : "");
}

static inline const char *reason(int status)
{
	switch (status) {
	case 200: return "OK";
	case 400: return "Bad Request";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 413: return "Content Too Large";
	case 417: return "Expectation Failed";
	case 431: return "Request Header Fields Too Large";
	case 501: return "Not Implemented";
	}
	return "HTTP Version Not Supported";
}
#endif
