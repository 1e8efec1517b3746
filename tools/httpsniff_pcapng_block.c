// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Blocks as draft-ietf-opsawg-pcapng has them, in this machine's byte order, which the section
 * header tells. Packets begin with their IP header (LINKTYPE_RAW).
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include "httpsniff_pcapng.h"

enum { BLOCK_SECTION = 0x0a0d0d0a, BLOCK_INTERFACE = 1, BLOCK_PACKET = 6 };
enum { OPT_END_OF = 0, OPT_COMMENT = 1 };
enum { SHB_HARDWARE = 2, SHB_OS = 3, SHB_USERAPPL = 4 };
enum { IF_NAME = 2, IF_DESCRIPTION = 3, IF_TSRESOL = 9 };
enum { EPB_FLAGS = 2, EPB_INBOUND = 1, EPB_OUTBOUND = 2 };

#define LINKTYPE_RAW 101
#define WINDOW_SHIFT 14 /* the largest: no message fills it (RFC 7323, 2.3) */

static void put(struct pc_bytes *b, const void *data, size_t n)
{
	size_t cap = b->cap ?: 64 << 10;
	char *bigger;

	while (cap < b->len + n)
		cap *= 2;
	if (cap != b->cap) {
		bigger = realloc(b->buf, cap);
		if (!bigger) {
			b->failed = true;
			return;
		}
		b->buf = bigger;
		b->cap = cap;
	}
	if (n)
		memcpy(b->buf + b->len, data, n);
	b->len += n;
}

static void put_padded(struct pc_bytes *b, const void *data, size_t n)
{
	put(b, data, n);
	put(b, "\0\0\0", -n & 3);
}

static void put_u32(struct pc_bytes *b, uint32_t v)
{
	put(b, &v, sizeof(v));
}

static void put_option(struct pc_bytes *b, uint16_t code, const void *data, size_t n)
{
	uint16_t head[2] = {code, n};

	put(b, head, sizeof(head));
	put_padded(b, data, n);
}

static void put_text(struct pc_bytes *b, uint16_t code, const char *text)
{
	put_option(b, code, text, strlen(text));
}

/* Returns where the block began. */
static size_t begin_block(struct pc_bytes *b, uint32_t type)
{
	size_t start = b->len;

	put_u32(b, type);
	put_u32(b, 0);
	return start;
}

static void end_block(struct pc_bytes *b, size_t start)
{
	uint32_t len = b->len + sizeof(len) - start;

	put_u32(b, len);
	if (!b->failed)
		memcpy(b->buf + start + 4, &len, sizeof(len));
}

void pc_put_start(struct pc_bytes *b)
{
	static const uint32_t magic = 0x1a2b3c4d;
	static const uint16_t version[2] = {1, 0};
	static const int64_t length = -1;
	static const uint16_t link[2] = {LINKTYPE_RAW, 0};
	size_t start = begin_block(b, BLOCK_SECTION);
	struct utsname u = {};
	char os[2 * sizeof(u.sysname) + 2];

	put_u32(b, magic);
	put(b, version, sizeof(version));
	put(b, &length, sizeof(length));
	put_text(b, OPT_COMMENT,
		 "Messages as processes sent and received them; the packets around them are made "
		 "up");
	/* A recording may be of another machine. */
	if (!std.replay && !uname(&u)) {
		stpcpy(stpcpy(stpcpy(os, u.sysname), " "), u.release);
		put_text(b, SHB_HARDWARE, u.machine);
		put_text(b, SHB_OS, os);
	}
	put_text(b, SHB_USERAPPL, "httpsniff (reqtools) " VERSION);
	put_option(b, OPT_END_OF, NULL, 0);
	end_block(b, start);

	start = begin_block(b, BLOCK_INTERFACE);
	put(b, link, sizeof(link));
	put_u32(b, 0);
	put_text(b, IF_NAME, "httpsniff");
	put_text(b, IF_DESCRIPTION, "calls of processes on their sockets");
	put_option(b, IF_TSRESOL, "\x09", 1); /* 10^-9 s */
	put_option(b, OPT_END_OF, NULL, 0);
	end_block(b, start);
}

/* --- packets */

/* Adds 16-bit words up, as RFC 1071 has it; all but the last piece have an even length. */
static uint64_t sum16(uint64_t sum, const void *data, size_t n)
{
	const unsigned char *p = data;

	for (; n > 1; p += 2, n -= 2)
		sum += p[0] << 8 | p[1];
	return n ? sum + (p[0] << 8) : sum;
}

static uint16_t checksum(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static void be16(unsigned char *p, uint16_t v)
{
	v = htons(v);
	memcpy(p, &v, sizeof(v));
}

static void be32(unsigned char *p, uint32_t v)
{
	v = htonl(v);
	memcpy(p, &v, sizeof(v));
}

/* Where the address begins that goes into the packet. */
static const char *address(const struct pc_packet *p, const struct pc_side *s)
{
	return (const char *)s->addr + (p->ipv6 ? 0 : 12);
}

static size_t ip_header(unsigned char *h, const struct pc_packet *p, size_t len)
{
	size_t alen = p->ipv6 ? 16 : 4, size = p->ipv6 ? 40 : 20, at = p->ipv6 ? 8 : 12;

	memset(h, 0, size);
	if (p->ipv6) {
		h[0] = 0x60;
		be16(h + 4, len);
		h[6] = IPPROTO_TCP;
		h[7] = 64;
	} else {
		h[0] = 0x45;
		be16(h + 2, size + len);
		h[6] = 0x40; /* not to be fragmented, so that it needs no id */
		h[8] = 64;
		h[9] = IPPROTO_TCP;
	}
	memcpy(h + at, address(p, p->from), alen);
	memcpy(h + at + alen, address(p, p->to), alen);
	if (!p->ipv6)
		be16(h + 10, checksum(sum16(0, h, size)));
	return size;
}

static size_t tcp_header(unsigned char *h, const struct pc_packet *p)
{
	/* The largest segment, nothing, the shift of the window */
	static const unsigned char options[] = {2, 4, PC_MAX_DATA >> 8, PC_MAX_DATA & 255, 1,
						3, 3, WINDOW_SHIFT};
	size_t size = 20 + (p->flags & PC_SYN ? sizeof(options) : 0);
	size_t alen = p->ipv6 ? 16 : 4;
	uint64_t sum;

	memset(h, 0, 20);
	memcpy(h + 20, options, size - 20);
	be16(h, p->from->port);
	be16(h + 2, p->to->port);
	be32(h + 4, p->seq);
	be32(h + 8, p->flags & PC_ACK ? p->ack : 0);
	h[12] = size / 4 << 4;
	h[13] = p->flags;
	be16(h + 14, p->window);
	sum = IPPROTO_TCP + size + p->len + p->missing;
	sum = sum16(sum, address(p, p->from), alen);
	sum = sum16(sum, address(p, p->to), alen);
	sum = sum16(sum, h, size);
	/* Missing bytes count as zero. Nobody can check the sum then. */
	be16(h + 16, checksum(sum16(sum, p->data, p->len)));
	return size;
}

void pc_put_packet(struct pc_bytes *b, const struct pc_packet *p)
{
	unsigned char ip[40], tcp[28];
	size_t tcp_len = tcp_header(tcp, p);
	size_t ip_len = ip_header(ip, p, tcp_len + p->len + p->missing);
	size_t captured = ip_len + tcp_len + p->len;
	uint32_t direction = p->outbound ? EPB_OUTBOUND : EPB_INBOUND;
	size_t start = begin_block(b, BLOCK_PACKET);

	put_u32(b, 0); /* interface */
	put_u32(b, p->time_ns >> 32);
	put_u32(b, p->time_ns);
	put_u32(b, captured);
	put_u32(b, captured + p->missing);
	put(b, ip, ip_len);
	put(b, tcp, tcp_len);
	put(b, p->data, p->len);
	put(b, "\0\0\0", -captured & 3);
	if (p->comment)
		put_text(b, OPT_COMMENT, p->comment);
	put_option(b, EPB_FLAGS, &direction, sizeof(direction));
	put_option(b, OPT_END_OF, NULL, 0);
	end_block(b, start);
}
