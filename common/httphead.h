/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTPHEAD_H
#define HTTPHEAD_H
/* What stands in a message's head, by names. */
#include "http1.h"

/* The value of the first header of that name, in any case; NULL: there is none. */
const struct http1_span *head_field(const struct http1_msg *m, const char *name, size_t len);
/*
 * Where in m->text a request says which host it is for, without user: in its target, where that has
 * an authority, else in its Host header (RFC 9112, 3.2.2). len 0: nowhere.
 */
struct http1_span head_host(const struct http1_msg *m);
#endif
