// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <string.h>
#include "optshow.h"
#include "optval.h"

/* "seconds from 0.1 to 86400" */
static void wanted_number(const struct opt *o, char *buf, size_t size)
{
	static const char *const units[] = {
		[OPT_UINT] = "a whole number",
		[OPT_SEC] = "seconds",
		[OPT_MSEC] = "milliseconds",
		[OPT_PERCENT] = "a percentage",
	};
	double max = o->kind == OPT_PERCENT && !o->max ? 100 : o->max;
	/* The smallest that can be stored is a limit nobody wants to read. */
	bool above = o->kind == OPT_PERCENT ||
		     (o->min > 0 && o->min <= 1 / optval_pow10(optval_places(o->kind)));
	int n = snprintf(buf, size, "%s", units[o->kind]);

	if (o->kind == OPT_UINT)
		above = false;
	if (above && max)
		snprintf(buf + n, size - n, " above 0, up to %.15g", max);
	else if (above)
		snprintf(buf + n, size - n, " above 0");
	else if (max)
		snprintf(buf + n, size - n, " from %.15g to %.15g", o->min, max);
	else
		snprintf(buf + n, size - n, ", %.15g or more", o->min);
}

static void wanted_choice(const struct opt *o, char *buf, size_t size)
{
	size_t n = (size_t)snprintf(buf, size, "%s", o->choices[1] ? "one of " : "");

	for (const char *const *c = o->choices; *c && n < size; c++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s", c == o->choices ? "" : ", ", *c);
}

const char *optval_wanted(const struct opt *o, char *buf, size_t size)
{
	switch (o->kind) {
	case OPT_FLAG: snprintf(buf, size, "true or false"); break;
	case OPT_STR: snprintf(buf, size, "some text"); break;
	case OPT_LIST: snprintf(buf, size, "one or several, separated by commas"); break;
	case OPT_PIDS:
		snprintf(buf, size, "process ids from 1 to %d, separated by commas",
			 OPTVAL_PID_MAX);
		break;
	case OPT_PORTS:
		snprintf(buf, size,
			 "ports from 1 to 65535 or ranges such as 8000-8100, separated by commas");
		break;
	case OPT_CIDRS:
		snprintf(buf, size,
			 "addresses or networks such as 10.0.0.0/8, separated by commas");
		break;
	case OPT_ENUM: wanted_choice(o, buf, size); break;
	default: wanted_number(o, buf, size); break;
	}
	return buf;
}

size_t optval_count(const struct opt *o)
{
	switch (o->kind) {
	case OPT_FLAG: return 1;
	case OPT_STR:
	case OPT_ENUM: return *(const char **)o->dst != NULL;
	case OPT_PIDS:
	case OPT_PORTS:
	case OPT_CIDRS:
	case OPT_LIST: return ((struct opt_list *)o->dst)->n;
	case OPT_PERCENT: return *(double *)o->dst > 0;
	default: /* 0 means "not given" where it cannot be given */
		return *(uint64_t *)o->dst || o->min <= 0;
	}
}

/* Quotes what a config file would not read back as it is. The comma's backslash is a list's, so it
 * comes before, and under, the quotes'. */
static void print_string(const char *s, bool list, FILE *f)
{
	bool plain = *s && !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789_-./:*?[]@%+{}")];

	if (!plain)
		putc('"', f);
	for (; *s; s++) {
		bool pair = list && *s == '\\' && s[1];

		if (list && *s == ',')
			fputs("\\\\", f);
		for (int i = 0; i <= pair; i++, s += i <= pair) {
			if (*s == '"' || *s == '\\')
				fprintf(f, "\\%c", *s);
			else if ((unsigned char)*s < ' ' || *s == 0x7f)
				fprintf(f, "\\x%02x", (unsigned char)*s);
			else
				putc(*s, f);
		}
	}
	if (!plain)
		putc('"', f);
}

/* v / 10^places without the zeros at the end. */
static void print_decimal(uint64_t v, unsigned places, FILE *f)
{
	uint64_t unit = (uint64_t)optval_pow10(places);
	uint64_t rest = v % unit;

	fprintf(f, "%llu", (unsigned long long)(v / unit));
	if (!rest)
		return;
	while (rest % 10 == 0) {
		rest /= 10;
		places--;
	}
	fprintf(f, ".%0*llu", (int)places, (unsigned long long)rest);
}

void optval_print(const struct opt *o, size_t i, FILE *f)
{
	switch (o->kind) {
	case OPT_FLAG: fputs(*(bool *)o->dst ? "true" : "false", f); break;
	case OPT_STR:
	case OPT_ENUM: print_string(*(const char **)o->dst, false, f); break;
	case OPT_PIDS:
	case OPT_PORTS:
	case OPT_CIDRS:
	case OPT_LIST: print_string(((struct opt_list *)o->dst)->v[i], true, f); break;
	case OPT_PERCENT:
		print_decimal(
			(uint64_t)(*(double *)o->dst * optval_pow10(optval_places(OPT_PERCENT)) +
				   0.5),
			optval_places(OPT_PERCENT), f);
		break;
	default: print_decimal(*(uint64_t *)o->dst, optval_places(o->kind), f); break;
	}
}
