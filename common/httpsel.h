/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTPSEL_H
#define HTTPSEL_H
/*
 * Filters of the HTTP tools: --method, --path, --host, --status. What is held against them comes
 * from the wire and may hold any byte; all take time linear in its length.
 */
#include <stdbool.h>
#include <stddef.h>
#include "opts.h"

struct httpsel_given {
	struct opt_list methods, paths, hosts, statuses; /* as given; none: all pass */
	size_t max_text; /* bytes of a URL or a host that count */
};

struct httpsel {
	struct httpsel_given given; /* lists not owned */
	bool of_requests, of_statuses; /* is there such a filter? */
	bool status[1000];
	char **hosts; /* owned: in small letters */
	char *text; /* owned: what a glob is held against */
};

/* 0; -EINVAL with text when a status makes no sense; -ENOMEM. httpsel_free() in any case. */
int httpsel_init(struct httpsel *s, const struct httpsel_given *given);
void httpsel_free(struct httpsel *s); /* one that is all zero is fine */

struct httpsel_request {
	const char *method, *url, *host; /* host NULL: there is none */
	size_t method_len, url_len, host_len;
};
bool httpsel_request(struct httpsel *s, const struct httpsel_request *r);
/* 0, of who has no answer, passes where all do. */
bool httpsel_status(const struct httpsel *s, unsigned status);
#endif
