// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <netinet/in.h>
#include <sys/un.h>
#include "dest.h"
#include "log.h"
#include "unit/t.h"

static void test_good(void)
{
	const struct sockaddr_in6 *in6;
	const struct sockaddr_in *in;
	const struct sockaddr_un *un;
	struct dest d;

	T_EQ(dest_parse(&d, "tcp://127.0.0.1:65535"), 0);
	in = (const struct sockaddr_in *)&d.addrs[0].sa;
	T_OK(d.kind == DEST_TCP && d.type == SOCK_STREAM && d.naddrs == 1);
	T_OK(in->sin_family == AF_INET && ntohs(in->sin_port) == 65535);
	T_EQ(ntohl(in->sin_addr.s_addr), INADDR_LOOPBACK);
	dest_free(&d);
	T_EQ(dest_parse(&d, "udp://[::1]:514"), 0);
	in6 = (const struct sockaddr_in6 *)&d.addrs[0].sa;
	T_OK(d.kind == DEST_UDP && d.type == SOCK_DGRAM && d.naddrs == 1);
	T_OK(in6->sin6_family == AF_INET6 && ntohs(in6->sin6_port) == 514);
	T_OK(!memcmp(&in6->sin6_addr, &in6addr_loopback, 16));
	T_EQ(d.addrs[0].len, sizeof(*in6));
	T_STR(d.text, "udp://[::1]:514");
	dest_free(&d);
	T_EQ(dest_parse(&d, "tcp://localhost:1"), 0);
	T_OK(d.naddrs >= 1);
	dest_free(&d);
	T_EQ(dest_parse(&d, "unix:/nowhere/yet"), 0);
	un = (const struct sockaddr_un *)&d.addrs[0].sa;
	T_OK(d.kind == DEST_UNIX && un->sun_family == AF_UNIX);
	T_STR(un->sun_path, "/nowhere/yet");
	dest_free(&d);
	T_EQ(dest_parse(&d, "syslog:"), 0);
	T_OK(d.kind == DEST_SYSLOG && d.type == SOCK_DGRAM);
	T_STR(un->sun_path, "/dev/log");
	dest_free(&d);
	T_EQ(dest_parse(&d, "syslog:/run/no-such/log"), 0);
	T_STR(un->sun_path, "/run/no-such/log");
	dest_free(&d);
}

static void test_bad(void)
{
	static const struct {
		const char *text;
		int err;
		const char *says;
	} cases[] = {
		{"tcp://localhost", -EINVAL, "the port is missing"},
		{"tcp://[::1]", -EINVAL, "the port is missing"},
		{"tcp://", -EINVAL, "the port is missing"},
		{"tcp://:80", -EINVAL, "the host is missing"},
		{"tcp://[]:80", -EINVAL, "the host is missing"},
		{"tcp://localhost:", -EINVAL, "bad port ''"},
		{"tcp://localhost:0", -EINVAL, "bad port '0' (1 to 65535)"},
		{"tcp://localhost:65536", -EINVAL, "bad port '65536'"},
		{"tcp://localhost:99999999999999", -EINVAL, "bad port '9"},
		{"udp://localhost:-1", -EINVAL, "bad port '-1'"},
		{"udp://localhost:80x", -EINVAL, "bad port '80x'"},
		{"udp://localhost: 80", -EINVAL, "bad port ' 80'"},
		{"udp://localhost:http", -EINVAL, "bad port 'http'"},
		{"tcp://localhost:80/", -EINVAL, "bad port '80/'"},
		{"tcp://::1:80", -EINVAL, "an IPv6 address goes in brackets"},
		{"tcp://no-such-host.invalid:80", -EHOSTUNREACH,
		 "cannot resolve 'no-such-host.invalid'"},
		{"ftp://host:21", -EINVAL, "unknown scheme"},
		{"tcp:host:21", -EINVAL, "unknown scheme"},
		{"unix:", -EINVAL, "the path is missing"},
		{"unix:/etc/passwd", -ENOTSOCK, "not a socket"},
		{"unix:/tmp", -ENOTSOCK, "not a socket"},
		{"syslog:/etc/passwd", -ENOTSOCK, "not a socket"},
	};
	char long_path[200] = "unix:/", long_host[400] = "tcp://";
	struct dest d;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fail_clear();
		T_OK(dest_is_peer(cases[i].text));
		T_EQ(dest_parse(&d, cases[i].text), cases[i].err);
		if (!strstr(fail_text(-1), cases[i].says) || !strstr(fail_text(-1), cases[i].text))
			T_STR(fail_text(-1), cases[i].says);
		dest_free(&d);
	}
	memset(long_path + 6, 'p', sizeof(long_path) - 7);
	T_EQ(dest_parse(&d, long_path), -ENAMETOOLONG);
	T_OK(strstr(fail_text(-1), "may have 107 bytes"));
	dest_free(&d);
	memset(long_host + 6, 'h', sizeof(long_host) - 9);
	strcpy(long_host + sizeof(long_host) - 4, ":80");
	T_EQ(dest_parse(&d, long_host), -EINVAL);
	T_OK(strstr(fail_text(-1), "the host name is too long"));
	dest_free(&d);
}

int main(void)
{
	T_OK(!dest_is_peer("out.json") && !dest_is_peer("/tmp/a:b") && !dest_is_peer("tcp"));
	T_OK(!dest_is_peer("./tcp:/x") && !dest_is_peer(""));
	test_good();
	test_bad();
	return t_done();
}
