// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Which transactions are shown.
 */
#include "httptrace_parts.h"
#include "httpsel.h"
#include "log.h"
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

struct uids {
	uint32_t *v; /* owned */
	size_t n;
};

static struct {
	struct httpsel http;
	uint8_t role; /* enum cap_role; CAP_ROLE_UNKNOWN: both */
	struct uids uids, exclude;
} sel;

/* Up to max; false: it is no number, or beyond. */
static bool number(const char *s, uint64_t max, uint64_t *n)
{
	*n = 0;
	for (; *s >= '0' && *s <= '9' && *n <= max; s++)
		*n = *n * 10 + (*s - '0');
	return !*s && *n <= max;
}

static int parse_uid(const char *option, const char *s, uint32_t *uid)
{
	const struct passwd *user;
	uint64_t n;

	if (*s >= '0' && *s <= '9' && number(s, UINT32_MAX - 1, &n)) {
		*uid = n;
		return 0;
	}
	errno = 0;
	user = getpwnam(s);
	if (!user)
		return fail(-EINVAL, "%s %s: there is no such user; a name or a number is wanted",
			    option, s);
	*uid = user->pw_uid;
	return 0;
}

static int init_uids(struct uids *u, const char *option, const struct opt_list *given)
{
	int err = 0;

	u->v = calloc(given->n + 1, sizeof(*u->v));
	if (!u->v)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < given->n && !err; i++)
		err = parse_uid(option, given->v[i], &u->v[i]);
	u->n = given->n;
	return err;
}

/* "1/N" or "N" */
static int init_sample(void)
{
	const char *s = set.sample_text;
	uint64_t n;

	if (!strncmp(s, "1/", 2))
		s += 2;
	if (!*s || !number(s, UINT32_MAX, &n) || !n)
		return fail(-EINVAL, "--sample %s: 1/N or N is wanted, N from 1 to %" PRIu32,
			    set.sample_text, UINT32_MAX);
	set.sample = n;
	return 0;
}

int select_init(void)
{
	const struct httpsel_given given = {set.methods, set.paths, set.hosts, set.statuses,
					    set.max_header};
	int err;

	sel.role = !strcmp(set.role, "client")	 ? CAP_ROLE_CLIENT
		   : !strcmp(set.role, "server") ? CAP_ROLE_SERVER
						 : CAP_ROLE_UNKNOWN;
	err = httpsel_init(&sel.http, &given) ?: init_sample();
	err = err ?: init_uids(&sel.uids, "--uid", &set.uids);
	return err ?: init_uids(&sel.exclude, "--exclude-uid", &set.exclude_uids);
}

void select_finish(void)
{
	httpsel_free(&sel.http);
	free(sel.uids.v);
	free(sel.exclude.v);
	memset(&sel, 0, sizeof(sel));
}

static bool among(const struct uids *u, uint32_t uid)
{
	for (size_t i = 0; i < u->n; i++) {
		if (u->v[i] == uid)
			return true;
	}
	return false;
}

static bool uid_passes(uint32_t uid)
{
	return (!sel.uids.n || among(&sel.uids, uid)) && !among(&sel.exclude, uid);
}

/* 127.0.0.0/8 or ::1; addresses are in network byte order, and IPv4 is mapped. */
static bool loopback(const __u64 address[2])
{
	unsigned char a[16];

	memcpy(a, address, sizeof(a));
	if (!memcmp(a, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12))
		return a[12] == 127;
	return !memcmp(a, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
}

static bool local(const struct flow *f, uint8_t proto)
{
	return proto == CAP_UNIX || (loopback(f->local) && loopback(f->remote)) ||
	       !memcmp(f->local, f->remote, sizeof(f->local));
}

static bool hop_passes(const struct flow *f, uint8_t proto, uint8_t role)
{
	return (!sel.role || role == sel.role) && (!set.localhost || local(f, proto));
}

static bool who_passes(const struct cap_who *w)
{
	return uid_passes(w->task->uid_known ? w->task->uid : UINT32_MAX);
}

bool select_conn(const struct cap_conn *c, const struct cap_who *who)
{
	return hop_passes(&c->flow, c->proto, capture_role(c)) && who_passes(who);
}

/* One without an answer took as long as it was waited for. */
static bool slow_enough(const struct span *s)
{
	struct span_times t;
	uint64_t ns = s->over_ns > s->first_ns ? s->over_ns - s->first_ns : 0;

	if (!set.slower_ns)
		return true;
	span_times(s, &t);
	return (t.total_us == UINT64_MAX ? ns : t.total_us * 1000) >= set.slower_ns;
}

bool select_span(const struct span *s)
{
	const struct httpsel_request r = {.method = SPAN_METHOD(s),
					  .url = SPAN_URL(s),
					  .host = s->host_len ? SPAN_HOST(s) : NULL,
					  .method_len = s->method_len,
					  .url_len = s->url_len,
					  .host_len = s->host_len};

	return hop_passes(&s->hop->flow, s->hop->proto, s->role) && who_passes(s->who) &&
	       s->request_bytes + s->response_bytes >= set.min_size &&
	       httpsel_status(&sel.http, s->status) && httpsel_request(&sel.http, &r) &&
	       slow_enough(s);
}
