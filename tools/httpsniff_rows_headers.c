// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Headers as a JSON object. A head has up to some ten thousand of them, with names that whoever
 * sent it chose: finding those that come again takes a hash with a seed.
 */
#include "httpsniff_rows.h"
#include "body.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#define AGAIN (1U << 31) /* in next[]: a header before it has that name */

/* All of the headers at hand; room is kept from message to message. */
static struct {
	uint32_t *next; /* of each header: the next one with its name, 0 where there is none */
	uint32_t *slot; /* hash table of names: the last header with it, and 1; 0: empty */
	size_t room; /* headers that next has room for */
	uint32_t mask; /* slots - 1, a power of two less 1: twice as many as headers, or more */
} same;

static bool make_room(uint32_t n)
{
	size_t room = same.room ?: 32;

	while (room < n)
		room *= 2;
	if (room != same.room) {
		uint32_t *next = realloc(same.next, room * sizeof(*next));
		uint32_t *slot;

		same.next = next ?: same.next;
		slot = next ? realloc(same.slot, 2 * room * sizeof(*slot)) : NULL;
		same.slot = slot ?: same.slot;
		if (!slot)
			return false;
		same.room = room;
	}
	for (same.mask = 63; same.mask < 2 * n; same.mask = 2 * same.mask + 1)
		;
	memset(same.slot, 0, (same.mask + 1) * sizeof(*same.slot));
	memset(same.next, 0, n * sizeof(*same.next));
	return true;
}

static unsigned char fold(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
}

static uint32_t hash(const char *s, size_t n)
{
	static uint64_t seed;
	uint64_t h, w;

	/* The kernel gives each process 16 random bytes. */
	if (!seed)
		memcpy(&seed, (const void *)getauxval(AT_RANDOM), sizeof(seed));
	h = seed ^ n;
	for (; n; s += w, n -= w) {
		uint64_t part = 0;

		w = n < sizeof(part) ? n : sizeof(part);
		memcpy(&part, s, w);
		/* Small letters and capitals alike, and here some others, too */
		h = (h ^ (part | 0x2020202020202020)) * 0x9e3779b97f4a7c15;
		h ^= h >> 29;
	}
	return h >> 16;
}

static bool equal(struct text a, struct text b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (fold(a.s[i]) != fold(b.s[i]))
			return false;
	}
	return true;
}

static struct text name_of(const struct message *msg, uint32_t i)
{
	const struct http1_span *s = &msg->m->headers[i].name;

	return (struct text){msg->text + s->at, s->len};
}

static void link_headers(const struct message *msg, uint32_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct text name = name_of(msg, first + i);
		uint32_t at = hash(name.s, name.n) & same.mask;

		while (same.slot[at] && !equal(name, name_of(msg, first + same.slot[at] - 1)))
			at = (at + 1) & same.mask;
		if (same.slot[at]) {
			same.next[same.slot[at] - 1] |= i;
			same.next[i] = AGAIN;
		}
		same.slot[at] = i + 1;
	}
}

/*
 * A name that JSON cannot carry goes as text_escape() writes it: else two that differ could become
 * one key, and readers keep one of those alone. A backslash is escaped with it, so that nobody can
 * write what another name becomes.
 */
static void put_name(struct json *j, struct text name)
{
	struct body_text t = {};
	bool ascii = true;
	char *text;

	for (size_t i = 0; i < name.n; i++)
		ascii &= (unsigned char)name.s[i] < 0x80;
	if (!ascii)
		body_text_feed(&t, name.s, name.n);
	if (!memchr(name.s, '\\', name.n) && body_text_end(&t, false)) {
		json_strn(j, NULL, name.s, name.n);
	} else {
		text = malloc(4 * name.n + 1);
		if (text)
			json_strn(j, NULL, text, text_escape(text, 4 * name.n + 1, name.s, name.n));
		else
			j->err = -ENOMEM;
		free(text);
	}
	json_raw(j, ":", 1);
	j->comma = false;
}

static void put_value(struct json *j, const struct message *msg, uint32_t i)
{
	const struct http1_span *s = &msg->m->headers[i].value;

	json_strn(j, NULL, msg->text + s->at, s->len);
}

void json_headers(struct json *j, const char *key, const struct message *msg, uint32_t first,
		  uint32_t n)
{
	json_open(j, key, '{');
	if (!make_room(n))
		j->err = j->err ?: -ENOMEM;
	else
		link_headers(msg, first, n);
	for (uint32_t i = 0; i < n && !j->err; i++) {
		if (same.next[i] & AGAIN)
			continue;
		put_name(j, name_of(msg, first + i));
		if (!same.next[i]) {
			put_value(j, msg, first + i);
			continue;
		}
		json_open(j, NULL, '[');
		for (uint32_t k = i;;) {
			put_value(j, msg, first + k);
			k = same.next[k] & ~AGAIN;
			if (!k)
				break;
		}
		json_close(j, ']');
	}
	json_close(j, '}');
}
