// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "log.h"
#include "redact_int.h"

static const char *const secret_ends[] = {
	"accesskey", "accesskeyid", "apikey",	 "assertion", "credential", "credentials",
	"jwt",	     "passphrase",  "passwd",	 "password",  "privatekey", "pwd",
	"secret",    "secretkey",   "sessionid", "signature", "token"};
static const char *const secret_names[] = {
	"auth",	     "bearer", "hmac",	       "idtokenhint", "key", "otp", "pass",  "passcode",
	"phpsessid", "pin",    "samlresponse", "session",     "sid", "sig", "ticket"};

void redact_name_add(struct redact_name *n, unsigned char c)
{
	unsigned char small = c | 0x20;

	if ((small < 'a' || small > 'z') && (c < '0' || c > '9'))
		return;
	if (n->kept == sizeof(n->tail)) {
		memmove(n->tail, n->tail + 1, --n->kept);
		n->more = true;
	}
	n->tail[n->kept++] = small;
}

bool redact_name_ends(const struct redact_name *n, const char *end)
{
	size_t len = strlen(end);

	return n->kept >= len && !memcmp(n->tail + n->kept - len, end, len);
}

static bool is(const struct redact_name *n, const char *name)
{
	return !n->more && n->kept == strlen(name) && redact_name_ends(n, name);
}

static bool is_one(const struct redact_name *n, char (*names)[REDACT_NAME_MAX + 1], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (is(n, names[i]))
			return true;
	}
	return false;
}

/* The last two letters of all these names: most other names are told by them. */
bool redact_may_be_known(unsigned char last_but_one, unsigned char last)
{
#define PAIR(a, b) (unsigned char)(a) << 8 | (unsigned char)(b)
	switch (PAIR(last_but_one, last)) {
	case PAIR('a', 'c'):
	case PAIR('a', 'l'):
	case PAIR('d', 'e'):
	case PAIR('e', 'n'):
	case PAIR('e', 'r'):
	case PAIR('e', 't'):
	case PAIR('e', 'y'):
	case PAIR('i', 'd'):
	case PAIR('i', 'g'):
	case PAIR('i', 'n'):
	case PAIR('l', 's'):
	case PAIR('n', 't'):
	case PAIR('o', 'n'):
	case PAIR('r', 'd'):
	case PAIR('r', 'e'):
	case PAIR('s', 'e'):
	case PAIR('s', 's'):
	case PAIR('t', 'h'):
	case PAIR('t', 'p'):
	case PAIR('w', 'd'):
	case PAIR('w', 't'): return true;
	default: return false;
	}
}

static bool well_known(const struct redact_name *n)
{
	if (n->kept < 2 || !redact_may_be_known(n->tail[n->kept - 2], n->tail[n->kept - 1]))
		return false;
	for (size_t i = 0; i < sizeof(secret_ends) / sizeof(*secret_ends); i++) {
		if (redact_name_ends(n, secret_ends[i]))
			return true;
	}
	for (size_t i = 0; i < sizeof(secret_names) / sizeof(*secret_names); i++) {
		if (is(n, secret_names[i]))
			return true;
	}
	return false;
}

bool redact_is_secret(const struct redact *r, const struct redact_name *n)
{
	return well_known(n) || is_one(n, r->params, r->nparams);
}

enum redact_kind redact_kind_of(const struct redact *r, const struct redact_name *n)
{
	if (redact_name_ends(n, "authorization"))
		return REDACT_AUTH;
	/* The names that end in 2 are RFC 2965's. */
	if (redact_name_ends(n, "setcookie") || redact_name_ends(n, "setcookie2"))
		return REDACT_SET_COOKIE;
	if (redact_name_ends(n, "cookie") || redact_name_ends(n, "cookie2"))
		return REDACT_COOKIE;
	return well_known(n) || is_one(n, r->headers, r->nheaders) ? REDACT_ALL : REDACT_TEXT;
}

static int add(char (**names)[REDACT_NAME_MAX + 1], size_t *count, const char *name)
{
	char(*more)[REDACT_NAME_MAX + 1];
	struct redact_name n = {};

	for (const char *c = name; *c; c++)
		redact_name_add(&n, *c);
	if (!n.kept || n.more)
		return fail(-EINVAL, "'%s' cannot be masked: a name has 1 to %d letters or digits",
			    name, REDACT_NAME_MAX);
	more = realloc(*names, (*count + 1) * sizeof(*more));
	if (!more)
		return fail(-ENOMEM, "out of memory");
	*names = more;
	memcpy(more[*count], n.tail, n.kept);
	more[(*count)++][n.kept] = '\0';
	return 0;
}

int redact_add_header(struct redact *r, const char *name)
{
	return add(&r->headers, &r->nheaders, name);
}

int redact_add_param(struct redact *r, const char *name)
{
	return add(&r->params, &r->nparams, name);
}

void redact_free(struct redact *r)
{
	free(r->headers);
	free(r->params);
	memset(r, 0, sizeof(*r));
}

size_t redact_header(const struct redact *r, const char *name, size_t name_len, char *value,
		     size_t len)
{
	struct redact_name n = {};
	struct redact_value v;

	for (size_t i = 0; i < name_len; i++)
		redact_name_add(&n, name[i]);
	redact_value_start(&v, redact_kind_of(r, &n));
	return redact_value_feed(&v, r, value, len, true);
}

size_t redact_url(const struct redact *r, char *url, size_t len)
{
	struct redact_text t;

	redact_text_start(&t);
	/* The authority-form of CONNECT, and a URL with no scheme. */
	t.authority = AUTHORITY_PLAIN;
	return redact_text_feed(&t, r, url, len, true);
}
