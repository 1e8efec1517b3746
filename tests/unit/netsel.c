// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include "log.h"
#include "net.h"
#include "netsel.h"
#include "opts.h"
#include "t.h"

/* All 0: no such option was given. */
struct asked {
	const char *ports, *local_ports, *remote_ports, *addrs;
	bool ipv4, ipv6;
};

struct seen {
	const char *local;
	uint16_t local_port;
	const char *remote;
	uint16_t remote_port;
	bool mapped;
};

static const struct seen web = {"10.1.2.3", 40000, "192.0.2.1", 80, false};
static const struct seen mapped = {"10.1.2.3", 443, "192.0.2.1", 40001, true};
static const struct seen six = {"2001:db8::5", 65535, "fe80::1", 1, false};

static const struct {
	struct asked asked;
	bool web, mapped, six;
} cases[] = {
	{{}, true, true, true},
	{{.ipv4 = true}, true, true, false},
	{{.ipv6 = true}, false, false, true},

	{{.ports = "80"}, true, false, false},
	{{.ports = "40000"}, true, false, false},
	{{.ports = "81,79"}, false, false, false},
	{{.ports = "80,443"}, true, true, false},
	{{.ports = "1"}, false, false, true},
	{{.ports = "65535"}, false, false, true},
	{{.ports = "2-65534"}, true, true, false},
	{{.ports = "40000-40001"}, true, true, false},
	{{.ports = "39937-39999,40002-40063"}, false, false, false},
	{{.ports = "1-65535"}, true, true, true},
	{{.local_ports = "80"}, false, false, false},
	{{.local_ports = "40000,443"}, true, true, false},
	{{.remote_ports = "80"}, true, false, false},
	{{.remote_ports = "40000,443"}, false, false, false},
	{{.remote_ports = "1,40001"}, false, true, true},
	/* all that is given must hold */
	{{.local_ports = "40000", .remote_ports = "80"}, true, false, false},
	{{.local_ports = "40000", .remote_ports = "81"}, false, false, false},
	{{.ports = "80", .local_ports = "443"}, false, false, false},
	{{.ports = "1-65535", .ipv6 = true}, false, false, true},

	{{.addrs = "10.1.2.3"}, true, true, false},
	{{.addrs = "192.0.2.1"}, true, true, false},
	{{.addrs = "10.1.2.4,192.0.2.0"}, false, false, false},
	{{.addrs = "10.0.0.0/8"}, true, true, false},
	{{.addrs = "10.1.2.2/31"}, true, true, false},
	{{.addrs = "10.1.2.0/31"}, false, false, false},
	{{.addrs = "::ffff:10.0.0.0/104"}, true, true, false},
	{{.addrs = "2001:db8::/32"}, false, false, true},
	{{.addrs = "fe80::/10"}, false, false, true},
	{{.addrs = "2001:db8::4/127"}, false, false, true},
	{{.addrs = "2001:db8::6/127"}, false, false, false},
	/* all of one family */
	{{.addrs = "0.0.0.0/0"}, true, true, false},
	{{.addrs = "::/0"}, false, false, true},
	{{.addrs = "::/80"}, false, false, false},
	{{.addrs = "::/0,0.0.0.0/0"}, true, true, true},
	{{.addrs = "10.0.0.0/8", .ipv6 = true}, false, false, false},
	{{.addrs = "10.0.0.0/8", .ports = "443"}, false, true, false},
	/* the last of 16 */
	{{.addrs = "::2,::3,::4,::5,::6,::7,::8,::9,::a,::b,::c,::d,::e,::f,::10,fe80::1"},
	 false,
	 false,
	 true},
	{{.addrs = "::2,::3,::4,::5,::6,::7,::8,::9,::a,::b,::c,::d,::e,::f,::10,::11"},
	 false,
	 false,
	 false},
};

static struct flow flow(const struct seen *s)
{
	struct flow f = {.local_port = s->local_port,
			 .remote_port = s->remote_port,
			 .family = strchr(s->local, ':') ? 6 : 4,
			 .mapped = s->mapped};
	__u64 mask[2];

	T_EQ(net_cidr(s->local, f.local, mask), 0);
	T_EQ(net_cidr(s->remote, f.remote, mask), 0);
	return f;
}

static void give(enum opt_kind kind, struct opt_list *l, const char *value)
{
	const struct opt o = {"x", .kind = kind, .dst = l};

	if (value)
		T_EQ(opts_set(&o, value), 0);
}

static void ask(const struct asked *a)
{
	opts_free();
	std = (struct std_opts){.ipv4 = a->ipv4, .ipv6 = a->ipv6};
	give(OPT_PORTS, &std.ports, a->ports);
	give(OPT_PORTS, &std.local_ports, a->local_ports);
	give(OPT_PORTS, &std.remote_ports, a->remote_ports);
	give(OPT_CIDRS, &std.addrs, a->addrs);
}

/* What the kernel half gets, by the same rule. */
static struct netsel sel;
static __u64 either[NETSEL_PORT_WORDS], local[NETSEL_PORT_WORDS], remote[NETSEL_PORT_WORDS];

static bool kernel_match(const struct flow *f)
{
	return netsel_test(&sel, either, local, remote, f);
}

static void test_cases(void)
{
	const struct flow f[] = {flow(&web), flow(&mapped), flow(&six)};

	for (int i = 0; i < 3; i++)
		T_OK(netsel_match(&f[i]));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const bool want[] = {cases[i].web, cases[i].mapped, cases[i].six};

		ask(&cases[i].asked);
		T_EQ(netsel_constants(&sel, either, local, remote), 0);
		for (int j = 0; j < 3; j++) {
			if (netsel_match(&f[j]) != want[j])
				printf("case %zu, flow %d:\n", i, j);
			T_EQ(netsel_match(&f[j]), want[j]);
			T_EQ(kernel_match(&f[j]), want[j]);
		}
	}
}

static void test_constants(void)
{
	ask(&(struct asked){.ports = "1,64-65,65535", .remote_ports = "63", .ipv6 = true});
	T_EQ(netsel_constants(&sel, either, local, remote), 0);
	T_OK(sel.ports && !sel.local_ports && sel.remote_ports);
	T_EQ(sel.family, 6);
	T_EQ(sel.naddrs, 0);
	T_OK(either[0] == 2 && either[1] == 3 && either[1023] == 1ULL << 63);
	T_OK(!local[0] && remote[0] == 1ULL << 63);

	/* What was asked before is gone; a replay gives nothing to fill. */
	ask(&(struct asked){});
	T_EQ(netsel_constants(&sel, either, local, remote), 0);
	T_OK(!sel.ports && !sel.family && !either[0] && !either[1] && !remote[0]);
	ask(&(struct asked){.ports = "80"});
	T_EQ(netsel_constants(NULL, NULL, NULL, NULL), 0);
	T_OK(netsel_match(&(struct flow){.local_port = 80}));
	T_OK(!netsel_match(&(struct flow){.local_port = 81}));
}

static void test_refused(void)
{
	char *junk[] = {"80x"};

	ask(&(struct asked){.ports = "80"});
	T_EQ(netsel_constants(&sel, either, local, remote), 0);
	ask(&(struct asked){.addrs = "::1,::2,::3,::4,::5,::6,::7,::8,::9,::a,::b,::c,::d,::e,"
				     "::f,::10,::11"});
	T_EQ(netsel_constants(&sel, either, local, remote), -E2BIG);
	T_STR(fail_text(-E2BIG), "--addr: at most 16 addresses or networks");
	std = (struct std_opts){.local_ports = {junk, 1}};
	T_EQ(netsel_constants(&sel, either, local, remote), -EINVAL);
	T_OK(sel.ports && !sel.local_ports && !sel.naddrs && either[1] == 1ULL << 16);
	T_OK(!netsel_match(&(struct flow){.local_port = 81}));
}

int main(void)
{
	test_cases();
	test_constants();
	test_refused();
	opts_free();
	return t_done();
}
