// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include "log.h"
#include "net.h"
#include "t.h"

static void address(__u64 a[2], const char *text)
{
	unsigned char bytes[16] = {[10] = 0xff, [11] = 0xff};

	if (strchr(text, ':'))
		T_EQ(inet_pton(AF_INET6, text, bytes), 1);
	else
		T_EQ(inet_pton(AF_INET, text, bytes + 12), 1);
	memcpy(a, bytes, sizeof(bytes));
}

/* Buffers of the exact size, so that the sanitizer sees a byte too many. */
static void test_shown(void)
{
	static const struct {
		const char *in, *addr, *any, *full;
	} t[] = {
		{"10.0.0.1", "10.0.0.1", "10.0.0.1:*", "10.0.0.1:65535"},
		{"0.0.0.0", "0.0.0.0", "0.0.0.0:*", "0.0.0.0:65535"},
		{"255.255.255.255", "255.255.255.255", "255.255.255.255:*",
		 "255.255.255.255:65535"},
		{"::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7:*", "192.0.2.7:65535"},
		{"::", "::", "[::]:*", "[::]:65535"},
		{"::1", "::1", "[::1]:*", "[::1]:65535"},
		{"2001:DB8:0:0::1", "2001:db8::1", "[2001:db8::1]:*", "[2001:db8::1]:65535"},
		/* all but mapped */
		{"::fffe:0:1", "::fffe:0:1", "[::fffe:0:1]:*", "[::fffe:0:1]:65535"},
		{"1::ffff:10.0.0.1", "1::ffff:a00:1", "[1::ffff:a00:1]:*", "[1::ffff:a00:1]:65535"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:*",
		 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
	};
	char *addr = malloc(NET_ADDR_SIZE), *end = malloc(NET_ENDPOINT_SIZE);
	__u64 a[2];

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		address(a, t[i].in);
		T_OK(net_addr(addr, a) == addr);
		T_STR(addr, t[i].addr);
		T_STR(net_endpoint(end, a, 0), t[i].any);
		T_STR(net_endpoint(end, a, 65535), t[i].full);
	}
	address(a, "127.0.0.1");
	T_STR(net_endpoint(end, a, 80), "127.0.0.1:80");
	free(addr);
	free(end);
}

/* The bits that are set; -1 when they are not the first ones. */
static int length(const __u64 mask[2])
{
	const unsigned char *b = (const unsigned char *)mask;
	int n = 0;

	while (n < 128 && b[n / 8] >> (7 - n % 8) & 1)
		n++;
	for (int i = n; i < 128; i++)
		if (b[i / 8] >> (7 - i % 8) & 1)
			return -1;
	return n;
}

static void test_cidr(void)
{
	static const struct {
		const char *in, *network;
		int bits;
	} t[] = {
		{"10.0.0.1", "10.0.0.1", 128},
		{"10.0.0.0/8", "10.0.0.0", 104},
		{"10.0.0.1/32", "10.0.0.1", 128},
		{"10.128.0.0/9", "10.128.0.0", 105},
		{"10.0.0.254/31", "10.0.0.254", 127},
		{"0.0.0.0/0", "0.0.0.0", 96},
		{"10.0.0.0/08", "10.0.0.0", 104},
		{"::", "::", 128},
		{"::/0", "::", 0},
		{"2001:db8::/32", "2001:db8::", 32},
		{"2001:db8::/29", "2001:db8::", 29},
		{"fe80::/10", "fe80::", 10},
		{"8000::/1", "8000::", 1},
		{"::1/128", "::1", 128},
		{"1:2:3:4::/64", "1:2:3:4::", 64},
		{"1:2:3:4:8000::/65", "1:2:3:4:8000::", 65},
		{"::ffff:10.0.0.0/104", "10.0.0.0", 104},
		{"::ffff:10.0.0.7", "10.0.0.7", 128},
	};
	__u64 value[2], mask[2], want[2];

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		address(want, t[i].network);
		T_EQ(net_cidr(t[i].in, value, mask), 0);
		T_OK(!memcmp(value, want, sizeof(want)));
		T_EQ(length(mask), t[i].bits);
	}
	for (int bits = 0; bits <= 128; bits++) {
		char text[16];

		snprintf(text, sizeof(text), "::/%d", bits);
		T_EQ(net_cidr(text, value, mask), 0);
		T_EQ(length(mask), bits);
	}
}

#define WANT_ADDR "': give an IPv4 or IPv6 address, or a network such as 10.0.0.0/8"
#define WANT_LEN  "': after the / give a length from 0 to "
#define BEYOND	  "': it has bits beyond "

static void test_bad_cidr(void)
{
	static const struct {
		const char *in, *why;
	} t[] = {
		{"", WANT_ADDR},
		{"/8", WANT_ADDR},
		{"10", WANT_ADDR},
		{"10.0.0", WANT_ADDR},
		{"10.0.0.0.0", WANT_ADDR},
		{"10.0.0.256", WANT_ADDR},
		{"10.0.0.1x", WANT_ADDR},
		{" 10.0.0.1", WANT_ADDR},
		{"10.0.0.1 ", WANT_ADDR},
		{"010.0.0.1", WANT_ADDR},
		{"0x0a000001", WANT_ADDR},
		{"localhost", WANT_ADDR},
		{"[::1]", WANT_ADDR},
		{"fe80::1%lo", WANT_ADDR},
		{"1::2::3", WANT_ADDR},
		{":::", WANT_ADDR},
		{"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555", WANT_ADDR},
		{"10.0.0.0/", WANT_LEN "32"},
		{"10.0.0.0/33", WANT_LEN "32"},
		{"10.0.0.0/-1", WANT_LEN "32"},
		{"10.0.0.0/+8", WANT_LEN "32"},
		{"10.0.0.0/ 8", WANT_LEN "32"},
		{"10.0.0.0/8 ", WANT_LEN "32"},
		{"10.0.0.0/8x", WANT_LEN "32"},
		{"10.0.0.0/8/8", WANT_LEN "32"},
		{"10.0.0.0/4294967304", WANT_LEN "32"},
		{"10.0.0.0/255.0.0.0", WANT_LEN "32"},
		{"::/129", WANT_LEN "128"},
		{"::ffff:10.0.0.0/129", WANT_LEN "128"},
		{"10.0.0.1/8", BEYOND "/8; the network is 10.0.0.0/8"},
		{"10.0.0.1/31", BEYOND "/31; the network is 10.0.0.0/31"},
		{"1.2.3.4/0", BEYOND "/0; the network is 0.0.0.0/0"},
		{"::1/0", BEYOND "/0; the network is ::/0"},
		{"2001:db8::1/64", BEYOND "/64; the network is 2001:db8::/64"},
		{"::ffff:10.0.0.1/104", BEYOND "/104; the network is 10.0.0.0/8"},
		{"::ffff:10.0.0.1/90", BEYOND "/90; the network is ::ffc0:0:0/90"},
	};
	__u64 value[2] = {7, 7}, mask[2] = {7, 7};
	char want[256], longest[3000];

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		snprintf(want, sizeof(want), "bad value '%s%s", t[i].in, t[i].why);
		fail_clear();
		T_EQ(net_cidr(t[i].in, value, mask), -EINVAL);
		T_STR(fail_text(-EINVAL), want);
	}
	memset(longest, '1', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	T_EQ(net_cidr(longest, value, mask), -EINVAL);
	T_OK(strstr(fail_text(-EINVAL), "111...': give"));
	memcpy(longest, "::/", 3);
	T_EQ(net_cidr(longest, value, mask), -EINVAL);
	T_OK(strstr(fail_text(-EINVAL), "111...': after"));
	T_OK(value[0] == 7 && value[1] == 7 && mask[0] == 7 && mask[1] == 7);
}

static void test_ports(void)
{
	static const char *const bad[] = {"",	      "0",	"65536",     "80x", " 80",
					  "80 ",      "-",	"80-",	     "-80", "0-80",
					  "80-65536", "80-90-", "80--90",    "+80", "0x50",
					  "http",     "80-90x", "4294967376"};
	uint16_t low, high;

	T_EQ(net_ports("80", &low, &high), 0);
	T_OK(low == 80 && high == 80);
	T_EQ(net_ports("1-65535", &low, &high), 0);
	T_OK(low == 1 && high == 65535);
	T_EQ(net_ports("8000-8000", &low, &high), 0);
	T_OK(low == 8000 && high == 8000);
	low = high = 7;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char want[128];

		snprintf(want, sizeof(want),
			 "bad value '%s': give a port from 1 to 65535, or a range such as "
			 "8000-8100",
			 bad[i]);
		fail_clear();
		T_EQ(net_ports(bad[i], &low, &high), -EINVAL);
		T_STR(fail_text(-EINVAL), want);
	}
	T_EQ(net_ports("8100-8000", &low, &high), -EINVAL);
	T_STR(fail_text(-EINVAL), "bad value '8100-8000': the lower port comes first: 8000-8100");
	T_OK(low == 7 && high == 7);
}

int main(void)
{
	test_shown();
	test_cidr();
	test_bad_cidr();
	test_ports();
	return t_done();
}
