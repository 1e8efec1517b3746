// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "log.h"
#include "net.h"
#include "optshow.h"
#include "optval.h"

#define SEC_PLACES  9 /* decimals of a second in a nanosecond */
#define MSEC_PLACES 6
#define SHOWN_MAX   80 /* bytes of a bad value that an error repeats */

struct chunk {
	struct chunk *next;
	max_align_t data[];
};
static struct chunk *chunks;

void *optval_alloc(size_t size)
{
	struct chunk *c = calloc(1, sizeof(*c) + size);

	if (!c)
		return NULL;
	c->next = chunks;
	chunks = c;
	return c->data;
}

void opts_free(void)
{
	while (chunks) {
		struct chunk *next = chunks->next;

		free(chunks);
		chunks = next;
	}
}

unsigned optval_places(enum opt_kind kind)
{
	switch (kind) {
	case OPT_SEC:
	case OPT_PERCENT: return SEC_PLACES;
	case OPT_MSEC: return MSEC_PLACES;
	default: return 0;
	}
}

bool optval_is_list(enum opt_kind kind)
{
	return kind == OPT_PIDS || kind == OPT_LIST || kind == OPT_PORTS || kind == OPT_CIDRS;
}

double optval_pow10(unsigned n)
{
	double r = 1;

	while (n--)
		r *= 10;
	return r;
}

/*
 * Digits with at most one point between or before them, times 10^places, exactly: strtod would
 * take blanks, signs, hex, exponents and "nan", and would round.
 */
static int parse_decimal(const char *s, unsigned places, uint64_t *v)
{
	bool point = false, digits = false;
	uint64_t n = 0;

	for (; *s; s++) {
		if (*s == '.' && !point && places) {
			point = true;
			if (!s[1])
				return -EINVAL;
			continue;
		}
		if (*s < '0' || *s > '9')
			return -EINVAL;
		digits = true;
		if (point && !places) { /* finer than can be stored */
			if (*s != '0')
				return -EINVAL;
			continue;
		}
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *s - '0', &n))
			return -ERANGE;
		if (point)
			places--;
	}
	while (places--)
		if (__builtin_mul_overflow(n, 10, &n))
			return -ERANGE;
	*v = n;
	return digits ? 0 : -EINVAL;
}

static int parse_number(const struct opt *o, const char *value, uint64_t *v)
{
	double max = o->kind == OPT_PERCENT && !o->max ? 100 : o->max;
	unsigned p = optval_places(o->kind);
	char digits[32];
	size_t len = strlen(value);
	int err;

	if (o->kind == OPT_PERCENT && len && len < sizeof(digits) && value[len - 1] == '%') {
		memcpy(digits, value, len - 1);
		digits[len - 1] = 0;
		value = digits;
	}
	err = parse_decimal(value, p, v);
	if (err)
		return err;
	/* Adding a half rounds a limit such as 0.1 to the integer it means. */
	if ((double)*v < (double)(uint64_t)(o->min * optval_pow10(p) + 0.5))
		return -ERANGE;
	if (max && (double)*v > (double)(uint64_t)(max * optval_pow10(p) + 0.5))
		return -ERANGE;
	return o->kind == OPT_PERCENT && !*v ? -ERANGE : 0;
}

static int parse_flag(const char *value, bool *v)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strcasecmp(value, words[i])) {
			*v = i & 1;
			return 0;
		}
	}
	return -EINVAL;
}

static const char *find_choice(const struct opt *o, const char *value)
{
	for (const char *const *c = o->choices; c && *c; c++)
		if (!strcmp(*c, value))
			return *c;
	return NULL;
}

/*
 * Copies one item of a list and returns where the next begins, or NULL after the last. A backslash
 * takes a comma into the item; before anything else it stays, for globs have their own use of it.
 */
static const char *take_item(const char *s, char *item)
{
	while (*s && *s != ',') {
		if (*s == '\\' && s[1] == ',')
			s++;
		else if (*s == '\\' && s[1])
			*item++ = *s++;
		*item++ = *s++;
	}
	*item = 0;
	if (!*s)
		return NULL;
	return s + 1 + strspn(s + 1, " \t");
}

static int list_append(struct opt_list *l, const char *item)
{
	char *copy = optval_alloc(strlen(item) + 1);

	if (!copy)
		return -ENOMEM;
	strcpy(copy, item);
	/* Room is doubled whenever n reaches a power of two. */
	if (!(l->n & (l->n - 1))) {
		char **v = optval_alloc((l->n ? 2 * l->n : 1) * sizeof(*v));

		if (!v)
			return -ENOMEM;
		if (l->n)
			memcpy(v, l->v, l->n * sizeof(*v));
		l->v = v;
	}
	l->v[l->n++] = copy;
	return 0;
}

static int check_item(enum opt_kind kind, const char *item)
{
	__u64 value[2], mask[2];
	uint64_t pid;
	uint16_t low, high;
	int err;

	switch (kind) {
	case OPT_PORTS: return net_ports(item, &low, &high);
	case OPT_CIDRS: return net_cidr(item, value, mask);
	case OPT_PIDS:
		err = parse_decimal(item, 0, &pid);
		if (err)
			return err;
		return pid - 1 >= OPTVAL_PID_MAX ? -ERANGE : 0;
	default: return *item ? 0 : -EINVAL;
	}
}

/* First pass checks, second stores: a list with a bad item changes nothing. */
static int parse_list(const struct opt *o, const char *value, bool apply)
{
	char *item = malloc(strlen(value) + 1);
	int err = item ? 0 : -ENOMEM;

	for (int pass = 0; !err && pass <= apply; pass++) {
		for (const char *s = value; !err && s;) {
			s = take_item(s, item);
			err = check_item(o->kind, item);
			if (!err && pass)
				err = list_append(o->dst, item);
		}
	}
	free(item);
	return err;
}

static int parse_string(const struct opt *o, const char *value, bool apply)
{
	char *copy;

	if (!*value)
		return -EINVAL;
	if (!apply)
		return 0;
	copy = optval_alloc(strlen(value) + 1);
	if (!copy)
		return -ENOMEM;
	*(const char **)o->dst = strcpy(copy, value);
	return 0;
}

static int parse_any(const struct opt *o, const char *value, bool apply)
{
	const char *choice;
	uint64_t u = 0;
	bool flag = false;
	int err;

	switch (o->kind) {
	case OPT_FLAG:
		err = parse_flag(value, &flag);
		if (!err && apply)
			*(bool *)o->dst = flag;
		return err;
	case OPT_STR: return parse_string(o, value, apply);
	case OPT_ENUM:
		choice = find_choice(o, value);
		if (choice && apply)
			*(const char **)o->dst = choice;
		return choice ? 0 : -EINVAL;
	default:
		if (optval_is_list(o->kind))
			return parse_list(o, value, apply);
		err = parse_number(o, value, &u);
		if (!err && apply && o->kind == OPT_PERCENT)
			*(double *)o->dst = u / optval_pow10(SEC_PLACES);
		else if (!err && apply)
			*(uint64_t *)o->dst = u;
		return err;
	}
}

int optval_parse(const struct opt *o, const char *value, bool apply)
{
	int err = parse_any(o, value, apply);
	char wanted[512];

	if (err == -ENOMEM)
		return fail(err, "out of memory");
	/* Of these the item's own mistake is said already. */
	if (err && (o->kind == OPT_PORTS || o->kind == OPT_CIDRS))
		return err;
	if (err)
		return fail(-EINVAL, "bad value '%.*s%s': give %s", SHOWN_MAX, value,
			    strlen(value) > SHOWN_MAX ? "..." : "",
			    optval_wanted(o, wanted, sizeof(wanted)));
	return 0;
}

int opts_set(const struct opt *o, const char *value)
{
	return optval_parse(o, value, true);
}
