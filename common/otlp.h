/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef OTLP_H
#define OTLP_H
/*
 * Spans as OpenTelemetry's JSON: a batch is one TracesData, which is an ExportTraceServiceRequest
 * as well (opentelemetry-proto, trace.proto; JSON as its specification, "JSON Protobuf Encoding",
 * has it: ids in hex, enums as numbers, 64-bit integers as decimal strings). Each process is a
 * resource of its own, and its spans stand together.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "json.h"

struct otlp_batch;

/* What a resource is told by. Texts are hostile, up to the first NUL. */
struct otlp_process {
	uint32_t pid; /* 0: not known */
	char name[16]; /* comm; "": not known */
	char container[13]; /* id, "" where there is none */
};

enum otlp_kind { OTLP_SERVER = 2, OTLP_CLIENT = 3 };

/* Fields of Span but its attributes and links. */
struct otlp_head {
	const uint8_t *trace_id, *span_id; /* 16 and 8 bytes */
	const uint8_t *parent_id; /* 8 bytes; NULL: none */
	const char *state; /* tracestate, of state_len bytes; NULL: none */
	size_t state_len;
	uint32_t flags; /* W3C flags, and what OTLP_REMOTE_* say of the parent; 0: left out */
	const char *name;
	size_t name_len;
	enum otlp_kind kind;
	uint64_t start_ns, end_ns; /* since the epoch */
	bool error; /* status: ERROR; else it is left unset */
};
#define OTLP_REMOTE_KNOWN 0x100
#define OTLP_REMOTE	  0x200

/* scope, version: the instrumentation scope's. host: host.name; NULL or "": left out. -ENOMEM. */
int otlp_batch_new(struct otlp_batch **b, const char *scope, const char *version, const char *host);
void otlp_batch_free(struct otlp_batch *b); /* NULL is fine */
/*
 * A span: begin, then any attributes, then links if there are any, then end. The writer that it
 * returns is valid until the end; NULL: no memory, and there is no span.
 */
struct json *otlp_span_begin(struct otlp_batch *b, const struct otlp_process *p,
			     const struct otlp_head *h);
/* 0, or -ENOMEM: the span is not in the batch. */
int otlp_span_end(struct otlp_batch *b);
size_t otlp_batch_spans(const struct otlp_batch *b);
size_t otlp_batch_bytes(const struct otlp_batch *b); /* about: of the spans alone */
/* The whole, *len bytes and a NUL, valid until the next call; NULL: no memory, or no span. */
const char *otlp_batch_text(struct otlp_batch *b, size_t *len);
void otlp_batch_reset(struct otlp_batch *b); /* empty */

/*
 * Attributes. KEY is a string literal that needs no escapes.
 */
#define OTLP_ATTR(KEY, TYPE)	  ",{\"key\":\"" KEY "\",\"value\":{\"" TYPE "Value\":"
#define OTLP_STR(J, KEY, S, N)	  OTLP_CALL(otlp_str, J, OTLP_ATTR(KEY, "string"), S, N)
#define OTLP_INT(J, KEY, V)	  OTLP_CALL(otlp_int, J, OTLP_ATTR(KEY, "int"), V)
#define OTLP_DOUBLE(J, KEY, V)	  OTLP_CALL(otlp_double, J, OTLP_ATTR(KEY, "double"), V)
#define OTLP_BOOL(J, KEY, V)	  OTLP_CALL(otlp_bool, J, OTLP_ATTR(KEY, "bool"), V)
#define OTLP_CALL(F, J, LIT, ...) F(J, LIT, sizeof(LIT) - 1, __VA_ARGS__)
void otlp_str(struct json *j, const char *lit, size_t nlit, const void *s, size_t n);
void otlp_int(struct json *j, const char *lit, size_t nlit, uint64_t v);
void otlp_double(struct json *j, const char *lit, size_t nlit, double v);
void otlp_bool(struct json *j, const char *lit, size_t nlit, bool v);

/* Before the first link, and behind the last link's attributes. */
void otlp_links_begin(struct json *j);
void otlp_link_begin(struct json *j, const uint8_t trace_id[16], const uint8_t span_id[8]);
void otlp_link_end(struct json *j);
/* An id of n bytes, at most 16, as a string of its own: no comma. */
void otlp_hex(struct json *j, const uint8_t *id, size_t n);

/*
 * What a collector says of a batch of n spans that it took (ExportTraceServiceResponse): how many
 * of them it refused, 0 to n. Anything else than such an answer is 0.
 */
uint64_t otlp_rejected(const char *body, size_t len, uint64_t n);
#endif
